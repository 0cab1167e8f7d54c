package dev.brume.lambda;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Type;

/** A handler of objects. */
final class ObjectInvocable implements Invocable {
    private final RequestHandler<Object, Object> handler;
    private final Type input;
    private final Type output;
    private final Serialization serialization;

    ObjectInvocable(RequestHandler<Object, Object> handler, Type input, Type output, Serialization serialization) {
        this.handler = handler;
        this.input = input;
        this.output = output;
        this.serialization = serialization;
    }

    @Override
    public void invoke(byte[] event, ByteArrayOutputStream bytes, Context context) throws Throwable {
        Object argument = serialization.read(event, input);
        Object result;
        try {
            result = handler.handleRequest(argument, context);
        } catch (Throwable error) {
            throw Fault.withoutRuntime(error);
        }
        serialization.write(result, output, bytes);
    }
}
