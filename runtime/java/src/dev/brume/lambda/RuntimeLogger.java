package dev.brume.lambda;

import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import dev.brume.lambda.json.JsonWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes one frame per message to standard output: mark, length, microseconds, text. A frame is one log event. */
final class RuntimeLogger implements LambdaLogger {
    private static final int FRAME_MARK = 0xa55a0003;
    /** With the format JSON the mark names the level as well, above the two bits for the format. */
    private static final int JSON_FRAME_MARK = 0xa55a0002;
    private static final int HEAD_BYTES = 16;

    private final OutputStream output;
    private final boolean json;
    private final LogLevel lowest;
    private volatile InvocationContext context;

    RuntimeLogger(OutputStream output, Settings settings) {
        this.output = output;
        this.json = settings.logsJson;
        this.lowest = json && settings.logLevel != null ? LogLevel.fromString(settings.logLevel) : LogLevel.UNDEFINED;
    }

    void setContext(InvocationContext context) {
        this.context = context;
    }

    /** An error of the function. */
    void report(String text) {
        log(text, json ? LogLevel.ERROR : LogLevel.UNDEFINED);
    }

    @Override
    public void log(String message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(byte[] message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(String message, LogLevel level) {
        if (level != LogLevel.UNDEFINED && level.ordinal() < lowest.ordinal()) return;
        String text = String.valueOf(message);
        if (json) writeJson(text, level);
        else write(FRAME_MARK, (level == LogLevel.UNDEFINED ? text : "[" + level + "] " + text).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void log(byte[] message, LogLevel level) {
        if (json) log(message == null ? null : new String(message, StandardCharsets.UTF_8), level);
        else if (level == LogLevel.UNDEFINED || level.ordinal() >= lowest.ordinal()) write(FRAME_MARK, message == null ? "null".getBytes(StandardCharsets.UTF_8) : message);
    }

    private void writeJson(String message, LogLevel level) {
        Map<String, Object> line = new LinkedHashMap<>();
        String now = Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
        line.put("timestamp", now.length() == 20 ? now.substring(0, 19) + ".000Z" : now);
        line.put("message", message);
        line.put("level", level);
        InvocationContext current = context;
        if (current != null) {
            line.put("AWSRequestId", current.getAwsRequestId());
            line.put("tenantId", current.getTenantId());
        }
        byte[] text = JsonWriter.bytes(line);
        byte[] ended = java.util.Arrays.copyOf(text, text.length + 1);
        ended[text.length] = '\n';
        write(JSON_FRAME_MARK | level.ordinal() << 2, ended);
    }

    private synchronized void write(int mark, byte[] text) {
        byte[] frame = new byte[HEAD_BYTES + text.length];
        putInt(frame, 0, mark);
        putInt(frame, 4, text.length);
        long micros = System.currentTimeMillis() * 1_000;
        putInt(frame, 8, (int) (micros >>> 32));
        putInt(frame, 12, (int) micros);
        System.arraycopy(text, 0, frame, HEAD_BYTES, text.length);
        try {
            output.write(frame);
        } catch (IOException e) {
            // Nobody is left to read it.
        }
    }

    private static void putInt(byte[] bytes, int at, int value) {
        bytes[at] = (byte) (value >>> 24);
        bytes[at + 1] = (byte) (value >>> 16);
        bytes[at + 2] = (byte) (value >>> 8);
        bytes[at + 3] = (byte) value;
    }
}
