package dev.brume.lambda.json;

/** Text that is no JSON, or JSON that does not fit a Java type. */
public final class JsonException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public JsonException(String message) {
        super(message);
    }

    public JsonException(String message, Throwable cause) {
        super(message, cause);
    }
}
