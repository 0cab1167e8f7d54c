package dev.brume.lambda;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;

/** A handler of bytes. */
final class StreamInvocable implements Invocable {
    private final RequestStreamHandler handler;

    StreamInvocable(RequestStreamHandler handler) {
        this.handler = handler;
    }

    @Override
    public void invoke(byte[] event, ByteArrayOutputStream output, Context context) throws Throwable {
        try {
            handler.handleRequest(new ByteArrayInputStream(event), output, context);
        } catch (Throwable error) {
            throw Fault.withoutRuntime(error);
        }
    }
}
