package dev.brume.lambda;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;

/** A handler that is a method of any class: of objects, or of streams when one of its parameters is a stream. */
final class MethodInvocable implements Invocable {
    private static final byte[] NULL = "null".getBytes(StandardCharsets.US_ASCII);

    private final Object instance;
    private final Method method;
    private final Type[] types;
    private final Serialization serialization;
    private final boolean isStream;
    private final boolean hasOutput;

    MethodInvocable(Object instance, Method method, Serialization serialization) {
        this.instance = instance;
        this.method = method;
        this.types = method.getGenericParameterTypes();
        this.serialization = serialization;
        boolean input = false;
        boolean output = false;
        for (Type type : types) {
            input |= type == InputStream.class;
            output |= type == OutputStream.class;
        }
        this.isStream = input || output;
        this.hasOutput = output;
    }

    @Override
    public void invoke(byte[] event, ByteArrayOutputStream output, Context context) throws Throwable {
        Object[] arguments = new Object[types.length];
        for (int i = 0; i < arguments.length; i++) {
            Type type = types[i];
            if (type == Context.class) arguments[i] = context;
            else if (type == InputStream.class) arguments[i] = new ByteArrayInputStream(event);
            else if (type == OutputStream.class) arguments[i] = output;
            else arguments[i] = serialization.read(event, type);
        }
        Object result;
        try {
            result = method.invoke(instance, arguments);
        } catch (InvocationTargetException e) {
            throw Fault.withoutRuntime(e.getCause() == null ? e : e.getCause());
        } catch (Throwable error) {
            throw Fault.withoutRuntime(error);
        }
        if (!isStream) serialization.write(result, method.getGenericReturnType(), output);
        else if (!hasOutput) output.write(NULL);
    }
}
