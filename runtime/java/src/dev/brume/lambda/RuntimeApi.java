package dev.brume.lambda;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The connection to the server, and the messages on it. A result and the request for the next event leave in one write. */
final class RuntimeApi {
    private static final String PREFIX = "/2018-06-01/runtime/";
    private static final byte[] NEXT = ("GET " + PREFIX + "invocation/next HTTP/1.1\r\n\r\n").getBytes(StandardCharsets.US_ASCII);
    private static final int READ_SIZE = 65_536;

    static final class Event {
        final Map<String, String> headers;
        final byte[] body;

        Event(Map<String, String> headers, byte[] body) {
            this.headers = headers;
            this.body = body;
        }

        String header(String name) {
            return headers.get(name);
        }
    }

    private final InputStream input;
    private final OutputStream output;
    private byte[] buffer = new byte[READ_SIZE];
    private int start;
    private int end;

    RuntimeApi(InputStream input, OutputStream output) {
        this.input = input;
        this.output = output;
    }

    /** Tells the outcome of the last event, empty before the first, and waits for the next. */
    Event next(byte[] result) {
        byte[] request = Arrays.copyOf(result, result.length + NEXT.length);
        System.arraycopy(NEXT, 0, request, result.length, NEXT.length);
        send(request);
        while (true) {
            Event message = receive();
            // The others acknowledge what was posted.
            if (message.headers.containsKey("lambda-runtime-aws-request-id")) return message;
        }
    }

    void post(String path, byte[] body, String errorType) {
        send(request(path, body, errorType));
    }

    void send(byte[] request) {
        try {
            output.write(request);
        } catch (IOException e) {
            // The server is gone, and with it everybody who could want a result.
            System.exit(0);
        }
    }

    static byte[] request(String path, byte[] body, String errorType) {
        String head = "POST " + PREFIX + path + " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: " + body.length + "\r\n"
                + (errorType == null ? "" : "Lambda-Runtime-Function-Error-Type: " + errorType + "\r\n") + "\r\n";
        byte[] headBytes = head.getBytes(StandardCharsets.US_ASCII);
        byte[] request = Arrays.copyOf(headBytes, headBytes.length + body.length);
        System.arraycopy(body, 0, request, headBytes.length, body.length);
        return request;
    }

    private Event receive() {
        int headEnd = headEnd(start);
        while (headEnd < 0) {
            int searchedTo = Math.max(start, end - 3);
            if (end == buffer.length) {
                int shift = start;
                makeRoom();
                searchedTo -= shift;
            }
            end += read(buffer, end, buffer.length - end);
            headEnd = headEnd(searchedTo);
        }
        Map<String, String> headers = headers(new String(buffer, start, headEnd - start, StandardCharsets.UTF_8));
        start = headEnd + 4;
        String length = headers.get("content-length");
        byte[] body = new byte[length == null ? 0 : Integer.parseInt(length)];
        int filled = Math.min(body.length, end - start);
        System.arraycopy(buffer, start, body, 0, filled);
        start += filled;
        while (filled < body.length) filled += read(body, filled, body.length - filled);
        if (start == end) {
            start = 0;
            end = 0;
        }
        return new Event(headers, body);
    }

    private void makeRoom() {
        byte[] target = start == 0 ? new byte[buffer.length * 2] : buffer;
        System.arraycopy(buffer, start, target, 0, end - start);
        buffer = target;
        end -= start;
        start = 0;
    }

    private int headEnd(int from) {
        for (int i = from; i + 3 < end; i++) {
            if (buffer[i] == '\r' && buffer[i + 1] == '\n' && buffer[i + 2] == '\r' && buffer[i + 3] == '\n') return i;
        }
        return -1;
    }

    private static Map<String, String> headers(String head) {
        Map<String, String> headers = new HashMap<>();
        int line = head.indexOf("\r\n");
        while (line >= 0) {
            int next = head.indexOf("\r\n", line + 2);
            String text = head.substring(line + 2, next < 0 ? head.length() : next);
            int colon = text.indexOf(':');
            if (colon > 0) headers.put(text.substring(0, colon).toLowerCase(Locale.ROOT), text.substring(colon + 1).trim());
            line = next;
        }
        return headers;
    }

    private int read(byte[] target, int offset, int length) {
        try {
            int count = input.read(target, offset, length);
            if (count > 0) return count;
        } catch (IOException e) {
            // As at the end of the stream.
        }
        System.exit(0);
        return 0;
    }
}
