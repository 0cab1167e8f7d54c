package dev.brume.lambda;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;

/**
 * From `package.Class` or `package.Class::method` to a handler. What is wrong with it is answered at the first invocation,
 * except for a class whose code fails, which fails the initialization.
 * https://docs.aws.amazon.com/lambda/latest/dg/java-handler.html
 */
final class HandlerFinder {
    private final FunctionLoader loader;
    private final Serialization serialization;

    HandlerFinder(FunctionLoader loader) {
        this.loader = loader;
        this.serialization = new Serialization(loader);
    }

    /** Throws a fatal Fault. */
    Invocable find(String name) {
        int colons = name.lastIndexOf("::");
        String className = colons < 0 ? name : name.substring(0, colons);
        String methodName = colons < 0 ? null : name.substring(colons + 2);
        if (className.isEmpty() || (methodName != null && methodName.isEmpty())) return failing(new Fault("Invalid handler: `" + name + "'"));
        Class<?> type;
        try {
            type = Class.forName(className, true, loader);
        } catch (ClassNotFoundException e) {
            return failing(new Fault("Class not found: " + className, e.getClass().getName(), Fault.traceOf(e), false));
        } catch (Throwable e) {
            String message = "Error loading class " + className + (e.getMessage() == null ? "" : ": " + e.getMessage());
            throw new Fault(message, e.getClass().getName(), Fault.traceOf(e), true);
        }
        try {
            return methodName == null ? ofInterface(type) : ofMethod(type, methodName);
        } catch (Fault fault) {
            if (fault.fatal) throw fault;
            return failing(fault);
        } catch (Throwable e) {
            return failing(Fault.of(e, false));
        }
    }

    private static Invocable failing(Fault fault) {
        return new Invocable() {
            @Override
            public void invoke(byte[] event, ByteArrayOutputStream output, Context context) {
                throw fault;
            }
        };
    }

    @SuppressWarnings("unchecked")
    private Invocable ofInterface(Class<?> type) throws Exception {
        if (RequestStreamHandler.class.isAssignableFrom(type)) return new StreamInvocable((RequestStreamHandler) create(type));
        if (!RequestHandler.class.isAssignableFrom(type)) {
            throw new Fault("Class does not implement an appropriate handler interface: " + type.getName());
        }
        Type[] types = Types.argumentsOf(type, RequestHandler.class);
        if (types == null) throw new Fault("Class " + type.getName() + " does not implement RequestHandler with concrete type parameters");
        for (Type one : types) {
            if (one instanceof TypeVariable<?> variable && variable.getBounds()[0] == Object.class) {
                throw new Fault("Class " + type.getName() + " does not implement RequestHandler with concrete type parameters: parameter "
                        + one + " has no upper bound.");
            }
        }
        return new ObjectInvocable((RequestHandler<Object, Object>) create(type), types[0], types[1], serialization);
    }

    /** Longer signatures go first; a Context at the end counts double. */
    private Invocable ofMethod(Class<?> type, String name) throws Exception {
        Method best = null;
        try {
            for (Method method : type.getMethods()) {
                if (!method.getName().equals(name) || !isSuitable(method)) continue;
                if (best == null || isPreferred(method, best)) best = method;
            }
        } catch (NoClassDefFoundError e) {
            throw new Fault("Error loading method " + name + " on class " + type.getName(), e.getClass().getName(), Fault.traceOf(e), false);
        }
        if (best == null) {
            throw new Fault("No public method named " + name + " with appropriate method signature found on class " + type.getName());
        }
        Object instance = Modifier.isStatic(best.getModifiers()) ? null : create(type);
        return new MethodInvocable(instance, best, serialization);
    }

    /** (), (Context), (event), (event, Context), (input and output stream, either, both, with or without Context). */
    private static boolean isSuitable(Method method) {
        Class<?>[] types = method.getParameterTypes();
        int count = types.length;
        if (count <= 1) return true;
        boolean contextLast = types[count - 1] == Context.class;
        if (count == 2) {
            if (types[0] == Context.class) return false;
            if (types[0] == InputStream.class) return contextLast || types[1] == OutputStream.class;
            return contextLast;
        }
        return count == 3 && types[0] == InputStream.class && types[1] == OutputStream.class && contextLast;
    }

    private static boolean isPreferred(Method one, Method other) {
        if (one.isBridge() != other.isBridge()) return other.isBridge();
        return weight(one) > weight(other);
    }

    private static int weight(Method method) {
        Class<?>[] types = method.getParameterTypes();
        return types.length + (types.length > 0 && types[types.length - 1] == Context.class ? 1 : 0);
    }

    private static Object create(Class<?> type) throws Exception {
        Constructor<?> constructor;
        try {
            constructor = type.getConstructor();
        } catch (NoSuchMethodException e) {
            if (type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers())) {
                throw new Exception("Class " + type.getName() + " cannot be instantiated because it is a non-static inner class");
            }
            throw new Exception("Class " + type.getName() + " has no public zero-argument constructor", e);
        }
        try {
            return constructor.newInstance();
        } catch (InvocationTargetException e) {
            throw Fault.of(e.getCause() == null ? e : e.getCause(), true);
        }
    }
}
