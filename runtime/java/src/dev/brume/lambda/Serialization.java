package dev.brume.lambda;

import com.amazonaws.services.lambda.runtime.CustomPojoSerializer;
import dev.brume.lambda.json.JsonMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Type;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.ServiceLoader;

/** Events and results as Java objects: by the function's own serializer, when its package names one, else by ours. */
final class Serialization {
    private static final byte[] NULL = "null".getBytes(StandardCharsets.US_ASCII);

    private final JsonMapper mapper = new JsonMapper();
    private final CustomPojoSerializer custom;

    Serialization(ClassLoader loader) {
        custom = customOf(loader);
    }

    Object read(byte[] event, Type type) {
        try {
            return custom == null ? mapper.read(event, type) : custom.fromJson(new ByteArrayInputStream(event), type);
        } catch (Throwable error) {
            throw new RuntimeException("An error occurred during JSON parsing", Fault.withoutRuntime(error));
        }
    }

    void write(Object value, Type type, ByteArrayOutputStream output) {
        try {
            if (type == void.class || type == Void.class) output.write(NULL);
            else if (custom == null) mapper.write(value, output);
            else custom.toJson(value, output, type);
        } catch (Throwable error) {
            throw new RuntimeException("An error occurred during JSON serialization of response", Fault.withoutRuntime(error));
        }
    }

    private static CustomPojoSerializer customOf(ClassLoader loader) {
        URL named = loader.getResource("META-INF/services/" + CustomPojoSerializer.class.getName());
        // Looked for by hand first, as the service loader takes its time to find nothing.
        if (named == null) return null;
        Iterator<CustomPojoSerializer> found = ServiceLoader.load(CustomPojoSerializer.class, loader).iterator();
        if (!found.hasNext()) return null;
        CustomPojoSerializer one = found.next();
        if (found.hasNext()) throw new Fault("Too many serializers provided inside the META-INF/services folder, only one is allowed");
        return one;
    }
}
