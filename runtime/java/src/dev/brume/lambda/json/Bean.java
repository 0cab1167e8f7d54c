package dev.brume.lambda.json;

import dev.brume.lambda.Types;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The properties of a class. Read by public getters and public fields, in the order of the fields; written by setters of any
 * visibility and public fields. A record has its components. The classes of AWS's library of events are written by their
 * fields too, under the names that AWS's events have: that library goes with a serializer of its own on AWS.
 */
final class Bean {
    private static final Map<Class<?>, Bean> BEANS = new ConcurrentHashMap<>();
    private static final String[] EVENT_LIBRARIES = {
        "com.amazonaws.services.lambda.runtime.events.", "com.amazonaws.services.s3.event.", "com.amazonaws.services.dynamodbv2.model.",
    };

    /** How a property is read. */
    record Getter(String name, Method method, Field field) {
        Object read(Object object) {
            try {
                return method != null ? method.invoke(object) : field.get(object);
            } catch (InvocationTargetException e) {
                throw new JsonException(e.getCause() + " (through reference chain: " + object.getClass().getName() + "[\"" + name + "\"])", e.getCause());
            } catch (IllegalAccessException e) {
                throw new JsonException("Cannot access " + object.getClass().getName() + "." + name, e);
            }
        }
    }

    /** How a property is written. */
    record Setter(String name, Type type, Method method, Field field) {
        void write(Object object, Object value) {
            try {
                if (method != null) method.invoke(object, value);
                else field.set(object, value);
            } catch (InvocationTargetException e) {
                throw new JsonException(e.getCause() + " (through reference chain: " + object.getClass().getName() + "[\"" + name + "\"])", e.getCause());
            } catch (IllegalAccessException e) {
                throw new JsonException("Cannot access " + object.getClass().getName() + "." + name, e);
            }
        }
    }

    private final Class<?> type;
    private final boolean isLenient;
    private final List<Getter> getters;
    private final Map<String, Setter> setters;

    private Bean(Class<?> type) {
        this.type = type;
        this.isLenient = isOfEventLibrary(type);
        this.getters = type.isRecord() ? recordGetters(type) : gettersOf(type);
        this.setters = type.isRecord() ? Map.of() : settersOf(type);
    }

    static Bean of(Class<?> type) {
        Bean bean = BEANS.get(type);
        if (bean == null) {
            bean = new Bean(type);
            BEANS.put(type, bean);
        }
        return bean;
    }

    List<Getter> getters() {
        return getters;
    }

    /** Null when there is no such property. */
    Setter setter(String name) {
        return setters.get(isLenient ? lenient(name) : name);
    }

    Object create() {
        if (Modifier.isAbstract(type.getModifiers())) {
            throw new JsonException("Cannot construct instance of `" + type.getName() + "` (no Creators, like default constructor, exist): abstract types"
                    + " either need to be mapped to concrete types, have custom deserializer, or contain additional type information");
        }
        Constructor<?> constructor;
        try {
            constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
        } catch (NoSuchMethodException e) {
            if (isLenient) return Uninitialized.create(type);
            throw new JsonException("Cannot construct instance of `" + type.getName()
                    + "` (no Creators, like default constructor, exist): cannot deserialize from Object value (no delegate- or property-based Creator)");
        }
        try {
            return constructor.newInstance();
        } catch (InvocationTargetException e) {
            throw new JsonException("Cannot construct instance of `" + type.getName() + "`, problem: " + e.getCause().getMessage(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new JsonException("Cannot construct instance of `" + type.getName() + "`", e);
        }
    }

    private static boolean isOfEventLibrary(Class<?> type) {
        for (String library : EVENT_LIBRARIES) if (type.getName().startsWith(library)) return true;
        return false;
    }

    /** "Records", "detail-type" and "eventSourceARN" are the properties records, detailType and eventSourceArn. */
    private static String lenient(String name) {
        return name.replace("-", "").toLowerCase(java.util.Locale.ROOT);
    }

    private static List<Getter> recordGetters(Class<?> type) {
        List<Getter> getters = new ArrayList<>();
        for (RecordComponent component : type.getRecordComponents()) {
            Method accessor = component.getAccessor();
            accessor.setAccessible(true);
            getters.add(new Getter(component.getName(), accessor, null));
        }
        return getters;
    }

    private static List<Getter> gettersOf(Class<?> type) {
        Map<String, Getter> found = new LinkedHashMap<>();
        for (Class<?> one : lineage(type)) {
            for (Field field : one.getDeclaredFields()) {
                if (isProperty(field)) found.put(field.getName(), Modifier.isPublic(field.getModifiers()) ? new Getter(field.getName(), null, field) : null);
            }
        }
        for (Method method : type.getMethods()) {
            String name = method.getParameterCount() == 0 && !Modifier.isStatic(method.getModifiers()) ? readName(method) : null;
            if (name == null || method.isBridge()) continue;
            Getter other = found.get(name);
            if (other != null && other.method != null && other.method.getName().startsWith("get")) continue;
            method.setAccessible(true);
            found.put(name, new Getter(name, method, null));
        }
        List<Getter> getters = new ArrayList<>();
        for (Getter getter : found.values()) {
            if (getter == null) continue;
            if (getter.field != null) getter.field.setAccessible(true);
            getters.add(getter);
        }
        return getters;
    }

    private static String readName(Method method) {
        String name = method.getName();
        Class<?> result = method.getReturnType();
        if (method.getDeclaringClass() == Object.class || result == void.class) return null;
        if (name.startsWith("get") && name.length() > 3) return propertyName(name.substring(3));
        if (name.startsWith("is") && name.length() > 2 && (result == boolean.class || result == Boolean.class)) return propertyName(name.substring(2));
        return null;
    }

    private static Map<String, Setter> settersOf(Class<?> type) {
        boolean lenient = isOfEventLibrary(type);
        Map<java.lang.reflect.TypeVariable<?>, Type> bindings = Types.bindingsOf(type);
        Map<String, Setter> setters = new HashMap<>();
        for (Class<?> one : lineage(type)) {
            for (Field field : one.getDeclaredFields()) {
                if (!isProperty(field) || !(lenient || Modifier.isPublic(field.getModifiers()))) continue;
                field.setAccessible(true);
                setters.put(lenient ? lenient(field.getName()) : field.getName(),
                        new Setter(field.getName(), Types.resolve(field.getGenericType(), bindings), null, field));
            }
        }
        for (Class<?> one : lineage(type)) {
            for (Method method : one.getDeclaredMethods()) {
                String name = method.getName();
                if (!name.startsWith("set") || name.length() == 3 || method.getParameterCount() != 1) continue;
                if (Modifier.isStatic(method.getModifiers()) || method.isBridge()) continue;
                String property = propertyName(name.substring(3));
                Type valueType = Types.resolve(method.getGenericParameterTypes()[0], bindings);
                if (!isBetter(method, setters.get(lenient ? lenient(property) : property), type)) continue;
                method.setAccessible(true);
                setters.put(lenient ? lenient(property) : property, new Setter(property, valueType, method, null));
            }
        }
        return setters;
    }

    /** Of several setters of one property that with the type of its getter, or of its field. */
    private static boolean isBetter(Method method, Setter other, Class<?> type) {
        if (other == null || other.method == null || !other.method.getDeclaringClass().equals(method.getDeclaringClass())) return true;
        String rest = method.getName().substring(3);
        try {
            return type.getMethod("get" + rest).getReturnType() == method.getParameterTypes()[0];
        } catch (NoSuchMethodException e) {
            return false;
        }
    }

    /** Superclasses first. */
    private static List<Class<?>> lineage(Class<?> type) {
        List<Class<?>> classes = new ArrayList<>();
        for (Class<?> one = type; one != null && one != Object.class; one = one.getSuperclass()) classes.add(0, one);
        return classes;
    }

    private static boolean isProperty(Field field) {
        return (field.getModifiers() & (Modifier.STATIC | Modifier.TRANSIENT)) == 0 && !field.isSynthetic();
    }

    /** As JavaBeans have it: `Name` is name, `URL` stays. */
    private static String propertyName(String rest) {
        if (rest.length() > 1 && Character.isUpperCase(rest.charAt(0)) && Character.isUpperCase(rest.charAt(1))) return rest;
        return Character.toLowerCase(rest.charAt(0)) + rest.substring(1);
    }
}
