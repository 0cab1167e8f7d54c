package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Does what the event says; see lambda-every-runtime.test.ts. */
public class Contract implements RequestHandler<Map<String, Object>, Object> {
    private int count;

    @Override
    public Object handleRequest(Map<String, Object> event, Context context) {
        count++;
        int n = event.get("n") instanceof Number number ? number.intValue() : 0;
        try {
            switch ((String) event.get("do")) {
                case "echo": return event;
                case "make": return "x".repeat(n);
                case "throw": throw new IllegalStateException("v");
                case "exit": Runtime.getRuntime().halt(n); break;
                case "signal": new ProcessBuilder("kill", "-9", String.valueOf(ProcessHandle.current().pid())).start().waitFor(); break;
                case "sleep":
                    System.out.println("before");
                    Thread.sleep(n);
                    System.out.println("after");
                    break;
                case "bytes":
                    System.out.write(new byte[] {(byte) 0xff, (byte) 0xfe, ' ', 'o', 'k', '\n', 0, 'e', 'n', 'd'});
                    System.out.flush();
                    break;
                case "leave": new ProcessBuilder("sleep", "300").inheritIO().start(); break;
                case "deep": return deep(1);
                default: break;
            }
        } catch (java.io.IOException | InterruptedException error) {
            throw new RuntimeException(error);
        }
        return count;
    }

    private static int deep(int level) {
        return deep(level + 1) + 1;
    }
}
