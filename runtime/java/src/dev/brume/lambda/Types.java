package dev.brume.lambda;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.HashMap;
import java.util.Map;

/** Generic types as a class inherits them. */
public final class Types {
    private Types() {}

    /** What `type` puts in for the parameters of an interface; null when it does not implement it with any. */
    static Type[] argumentsOf(Class<?> type, Class<?> wanted) {
        Map<TypeVariable<?>, Type> bindings = bindingsOf(type);
        TypeVariable<?>[] parameters = wanted.getTypeParameters();
        Type[] arguments = new Type[parameters.length];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = bindings.get(parameters[i]);
            if (arguments[i] == null) return null;
        }
        return arguments;
    }

    /** What stands for each type variable of a type and of all that it extends and implements. */
    public static Map<TypeVariable<?>, Type> bindingsOf(Type type) {
        Map<TypeVariable<?>, Type> bindings = new HashMap<>();
        collect(type, bindings);
        return bindings;
    }

    private static void collect(Type type, Map<TypeVariable<?>, Type> bindings) {
        if (type instanceof ParameterizedType parameterized) {
            Class<?> raw = (Class<?>) parameterized.getRawType();
            Type[] arguments = parameterized.getActualTypeArguments();
            TypeVariable<?>[] parameters = raw.getTypeParameters();
            for (int i = 0; i < parameters.length; i++) bindings.putIfAbsent(parameters[i], resolve(arguments[i], bindings));
            collect(raw, bindings);
        } else if (type instanceof Class<?> raw) {
            if (raw.getGenericSuperclass() != null) collect(raw.getGenericSuperclass(), bindings);
            for (Type one : raw.getGenericInterfaces()) collect(one, bindings);
        }
    }

    /** A type without the variables that are bound. */
    public static Type resolve(Type type, Map<TypeVariable<?>, Type> bindings) {
        if (type instanceof TypeVariable<?>) {
            Type bound = bindings.get(type);
            return bound == null ? type : bound;
        }
        if (!(type instanceof ParameterizedType parameterized)) return type;
        Type[] arguments = parameterized.getActualTypeArguments();
        boolean same = true;
        for (int i = 0; i < arguments.length; i++) {
            Type resolved = resolve(arguments[i], bindings);
            same &= resolved == arguments[i];
            arguments[i] = resolved;
        }
        return same ? type : new Parameterized((Class<?>) parameterized.getRawType(), arguments, parameterized.getOwnerType());
    }

    private record Parameterized(Class<?> raw, Type[] arguments, Type owner) implements ParameterizedType {
        @Override
        public Type[] getActualTypeArguments() {
            return arguments.clone();
        }

        @Override
        public Type getRawType() {
            return raw;
        }

        @Override
        public Type getOwnerType() {
            return owner;
        }
    }
}
