package dev.brume.lambda;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * Events for the run that makes the archive of loaded classes, from which later starts take them: all that an ordinary
 * function uses of the runtime is used once. The stream's end ends the run.
 */
final class Training {
    private static final String EVENT = "{\"name\":\"a\",\"count\":3,\"ratio\":0.5,\"done\":true,\"missing\":null,\"tags\":[\"x\",\"y\"],"
            + "\"inner\":{\"id\":12345678901,\"text\":\"\\u00fc\\n\"}}";
    private static final int EVENTS = 3;

    private Training() {}

    static InputStream events() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < EVENTS; i++) {
            text.append("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
            text.append("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 0-").append(i)
                    .append("\r\nLambda-Runtime-Deadline-Ms: 1\r\nLambda-Runtime-Trace-Id: Root=1\r\nContent-Length: ").append(EVENT.length())
                    .append("\r\n\r\n").append(EVENT);
        }
        return new ByteArrayInputStream(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    static Settings settings(String taskRoot) {
        return new Settings("dev.brume.lambda.training.Sample", taskRoot, "f", "1", "g", "s", 128, false, null);
    }
}
