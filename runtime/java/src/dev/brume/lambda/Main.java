package dev.brume.lambda;

import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.LambdaRuntimeInternal;
import dev.brume.lambda.json.JsonWriter;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOError;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Runs a Java function: loads the handler, then asks the Lambda Runtime API for one event after another.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, .../lambda-java.html
 *
 * The API is spoken over the connection that this process has as its standard input: that is the one descriptor that Java
 * opens for reading and writing without reflection, which would cost 8 ms of a cold start. For the same reason there
 * are no lambda expressions, no string formats and no regular expressions here.
 */
public final class Main {
    private static final String TRACE_PROPERTY = "com.amazonaws.xray.traceHeader";

    private final RuntimeApi api;
    private final Settings settings;
    private final RuntimeLogger logger;

    private Main(RuntimeApi api, Settings settings, OutputStream standardOutput) {
        this.api = api;
        this.settings = settings;
        this.logger = new RuntimeLogger(standardOutput, settings);
    }

    public static void main(String[] arguments) {
        OutputStream standardOutput = new FileOutputStream(FileDescriptor.out);
        System.setOut(new PrintStream(standardOutput, false, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(new FileOutputStream(FileDescriptor.err), false, StandardCharsets.UTF_8));
        InputStream fromServer = new FileInputStream(FileDescriptor.in);
        OutputStream toServer = new FileOutputStream(FileDescriptor.in);
        System.setIn(InputStream.nullInputStream());
        if (arguments.length == 2 && arguments[0].equals("train")) {
            fromServer = Training.events();
            toServer = new ByteArrayOutputStream();
            standardOutput = new ByteArrayOutputStream();
            new Main(new RuntimeApi(fromServer, toServer), Training.settings(arguments[1]), standardOutput).run();
        }
        new Main(new RuntimeApi(fromServer, toServer), Settings.ofEnvironment(), standardOutput).run();
    }

    private void run() {
        LambdaRuntime.setLogger(logger);
        FunctionLoader loader = new FunctionLoader(settings.taskRoot);
        Thread.currentThread().setContextClassLoader(loader);
        Invocable handler;
        try {
            handler = new HandlerFinder(loader).find(settings.handler);
        } catch (Fault fault) {
            logger.report(fault.report());
            api.post("init/error", describe(fault), Fault.BAD_CODE);
            System.exit(1);
            return;
        }
        byte[] result = new byte[0];
        while (true) {
            RuntimeApi.Event event = api.next(result);
            result = invoke(handler, event);
        }
    }

    /** The request that carries the outcome. */
    private byte[] invoke(Invocable handler, RuntimeApi.Event event) {
        String id = event.header("lambda-runtime-aws-request-id");
        String trace = event.header("lambda-runtime-trace-id");
        if (trace == null) System.clearProperty(TRACE_PROPERTY);
        else System.setProperty(TRACE_PROPERTY, trace);
        String path = "invocation/" + id;
        try {
            InvocationContext context = new InvocationContext(event, settings, logger);
            logger.setContext(context);
            if (LambdaRuntimeInternal.getUseLog4jAppender()) Log4j.setRequestId(id);
            ByteArrayOutputStream output = new ByteArrayOutputStream(1024);
            handler.invoke(event.body, output, context);
            Thread.interrupted();
            return RuntimeApi.request(path + "/response", output.toByteArray(), null);
        } catch (Fault fault) {
            byte[] request = RuntimeApi.request(path + "/error", describe(fault), Fault.BAD_CODE);
            logger.report(fault.report());
            if (fault.fatal) end(request);
            return request;
        } catch (Throwable error) {
            Fault fault = Fault.of(error, false);
            byte[] request = RuntimeApi.request(path + "/error", describe(error), "Runtime.UserException");
            logger.report(fault.report());
            if (error instanceof VirtualMachineError || error instanceof IOError) end(request);
            return request;
        }
    }

    private void end(byte[] request) {
        api.send(request);
        System.exit(1);
    }

    private static byte[] describe(Fault fault) {
        return describe(fault.text, fault.type, null);
    }

    private static byte[] describe(Throwable error) {
        StackTraceElement[] elements = error.getStackTrace();
        String[] trace = new String[elements.length];
        for (int i = 0; i < trace.length; i++) trace[i] = elements[i].toString();
        return describe(Fault.messageOf(error), error.getClass().getName(), trace);
    }

    private static byte[] describe(String message, String type, String[] trace) {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("errorMessage", message);
        error.put("errorType", type);
        error.put("stackTrace", trace);
        return JsonWriter.bytes(error);
    }
}
