package dev.brume.lambda.json;

import dev.brume.lambda.Types;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Events to Java objects and back, in the way of AWS's runtime: unknown properties are ignored, scalars turn into one another
 * where that makes sense, an empty string is no object, one value is a list of one.
 */
public final class JsonMapper {
    public Object read(byte[] json, Type type) {
        return convert(JsonParser.parse(new String(json, StandardCharsets.UTF_8)), type);
    }

    public void write(Object value, ByteArrayOutputStream output) {
        byte[] json = JsonWriter.bytes(value);
        output.write(json, 0, json.length);
    }

    private Object convert(Object value, Type type) {
        if (type instanceof Class<?> raw) return convertTo(value, raw, raw);
        if (type instanceof ParameterizedType parameterized) return convertTo(value, (Class<?>) parameterized.getRawType(), type);
        if (type instanceof TypeVariable<?> variable) return convert(value, variable.getBounds()[0]);
        if (type instanceof WildcardType wildcard) return convert(value, wildcard.getUpperBounds()[0]);
        if (type instanceof GenericArrayType array) {
            Type element = array.getGenericComponentType();
            return toArray(value, rawOf(element), element);
        }
        throw new JsonException("Unknown type " + type);
    }

    private Object convertTo(Object value, Class<?> raw, Type type) {
        if (raw == Object.class) return natural(value);
        if (raw == Optional.class) return Optional.ofNullable(value == null ? null : convert(value, argument(type, Optional.class, 0)));
        if (value == null) return raw.isPrimitive() ? Scalars.zero(raw) : null;
        if (raw == String.class || raw == CharSequence.class) return Scalars.toText(value, String.class);
        if (raw.isPrimitive() || Number.class.isAssignableFrom(raw) || raw == Boolean.class || raw == Character.class) {
            return Scalars.convert(unwrapped(value), raw);
        }
        if (raw.isArray()) return toArray(value, raw.getComponentType(), raw.getComponentType());
        if (Collection.class.isAssignableFrom(raw) || raw == Iterable.class) return toCollection(value, raw, type);
        if (Map.class.isAssignableFrom(raw)) return toMap(value, raw, type);
        if (raw.isEnum()) return Scalars.toEnum(unwrapped(value), raw);
        if (raw == ByteBuffer.class) return ByteBuffer.wrap(decoded(value));
        if (value instanceof List<?> list && !Scalars.isTime(raw)) {
            if (list.isEmpty()) return null;
            if (list.size() == 1) return convertTo(list.get(0), raw, type);
            throw mismatch(value, raw);
        }
        if (!(value instanceof Map<?, ?> fields)) return scalar(value, raw);
        return raw.isRecord() ? toRecord(fields, raw, type) : toBean(fields, raw, type);
    }

    private Object scalar(Object value, Class<?> raw) {
        if (value instanceof String text && text.isEmpty()) return null;
        Object converted = Scalars.toKnown(value, raw);
        if (converted == null) throw mismatch(value, raw);
        return converted;
    }

    /** Without a type that says otherwise. */
    private static Object natural(Object value) {
        if (value instanceof BigDecimal number) return number.doubleValue();
        if (value instanceof Map<?, ?>) {
            @SuppressWarnings("unchecked")
            Map<String, Object> map = (Map<String, Object>) value;
            for (Map.Entry<String, Object> entry : map.entrySet()) entry.setValue(natural(entry.getValue()));
        } else if (value instanceof List<?>) {
            @SuppressWarnings("unchecked")
            List<Object> list = (List<Object>) value;
            for (int i = 0; i < list.size(); i++) list.set(i, natural(list.get(i)));
        }
        return value;
    }

    private static Object unwrapped(Object value) {
        return value instanceof List<?> list && list.size() == 1 ? list.get(0) : value;
    }

    private Object toArray(Object value, Class<?> raw, Type element) {
        if (value instanceof String text && raw == byte.class) return decoded(text);
        if (value instanceof String text && raw == char.class) return text.toCharArray();
        Collection<?> elements = value instanceof List<?> list ? list : List.of(value);
        Object array = Array.newInstance(raw, elements.size());
        int index = 0;
        for (Object one : elements) Array.set(array, index++, convert(one, element));
        return array;
    }

    private Object toCollection(Object value, Class<?> raw, Type type) {
        if (value instanceof String text && text.isEmpty()) return null;
        Type element = argument(type, raw == Iterable.class ? Iterable.class : Collection.class, 0);
        Collection<Object> target = newCollection(raw);
        if (value instanceof List<?> list) for (Object one : list) target.add(convert(one, element));
        else target.add(convert(value, element));
        return target;
    }

    @SuppressWarnings("unchecked")
    private static Collection<Object> newCollection(Class<?> raw) {
        if (raw.isAssignableFrom(ArrayList.class)) return new ArrayList<>();
        if (raw.isAssignableFrom(HashSet.class)) return new HashSet<>();
        if (SortedSet.class.isAssignableFrom(raw) && raw.isAssignableFrom(TreeSet.class)) return new TreeSet<>();
        if (Queue.class.isAssignableFrom(raw) && raw.isInterface()) return raw.isAssignableFrom(LinkedList.class) ? new LinkedList<>() : new ArrayDeque<>();
        return (Collection<Object>) Bean.of(raw).create();
    }

    private Object toMap(Object value, Class<?> raw, Type type) {
        if (value instanceof String text && text.isEmpty()) return null;
        Object only = unwrapped(value);
        if (!(only instanceof Map<?, ?> fields)) throw mismatch(value, raw);
        Type keyType = argument(type, Map.class, 0);
        Type valueType = argument(type, Map.class, 1);
        if (keyType == String.class && valueType == Object.class && raw.isAssignableFrom(LinkedHashMap.class)) return natural(fields);
        Map<Object, Object> target = newMap(raw);
        for (Map.Entry<?, ?> field : fields.entrySet()) target.put(convert(field.getKey(), keyType), convert(field.getValue(), valueType));
        return target;
    }

    @SuppressWarnings("unchecked")
    private static Map<Object, Object> newMap(Class<?> raw) {
        if (raw.isAssignableFrom(LinkedHashMap.class)) return new LinkedHashMap<>();
        if (SortedMap.class.isAssignableFrom(raw) && raw.isAssignableFrom(TreeMap.class)) return new TreeMap<>();
        if (raw == java.util.concurrent.ConcurrentMap.class) return new java.util.concurrent.ConcurrentHashMap<>();
        return (Map<Object, Object>) Bean.of(raw).create();
    }

    private Object toRecord(Map<?, ?> fields, Class<?> raw, Type type) {
        Map<TypeVariable<?>, Type> bindings = Types.bindingsOf(type);
        RecordComponent[] components = raw.getRecordComponents();
        Class<?>[] types = new Class<?>[components.length];
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            types[i] = components[i].getType();
            values[i] = at(raw, components[i].getName(), fields.get(components[i].getName()), Types.resolve(components[i].getGenericType(), bindings));
        }
        try {
            Constructor<?> constructor = raw.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            throw new JsonException("Cannot construct instance of `" + raw.getName() + "`, problem: " + e.getCause().getMessage(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new JsonException("Cannot construct instance of `" + raw.getName() + "`", e);
        }
    }

    private Object toBean(Map<?, ?> fields, Class<?> raw, Type type) {
        Bean bean = Bean.of(raw);
        Object object = bean.create();
        Map<TypeVariable<?>, Type> bindings = type instanceof ParameterizedType ? Types.bindingsOf(type) : Map.of();
        for (Map.Entry<?, ?> field : fields.entrySet()) {
            Bean.Setter setter = bean.setter((String) field.getKey());
            if (setter != null) setter.write(object, at(raw, setter.name(), field.getValue(), Types.resolve(setter.type(), bindings)));
        }
        return object;
    }

    /** Says in errors where the value stands. */
    private Object at(Class<?> owner, String name, Object value, Type type) {
        try {
            return convert(value, type);
        } catch (JsonException e) {
            throw new JsonException(e.getMessage() + " (through reference chain: " + owner.getName() + "[\"" + name + "\"])", e);
        }
    }

    private static byte[] decoded(Object value) {
        if (!(value instanceof String text)) throw mismatch(value, byte[].class);
        return Base64.getDecoder().decode(text);
    }

    private static Type argument(Type type, Class<?> owner, int index) {
        Type argument = Types.bindingsOf(type).get(owner.getTypeParameters()[index]);
        return argument == null ? Object.class : argument;
    }

    private static Class<?> rawOf(Type type) {
        if (type instanceof Class<?> raw) return raw;
        if (type instanceof ParameterizedType parameterized) return (Class<?>) parameterized.getRawType();
        if (type instanceof GenericArrayType array) return Array.newInstance(rawOf(array.getGenericComponentType()), 0).getClass();
        return Object.class;
    }

    static JsonException mismatch(Object value, Class<?> type) {
        String token = value instanceof Map ? "Object value (token `JsonToken.START_OBJECT`)"
                : value instanceof List ? "Array value (token `JsonToken.START_ARRAY`)"
                : value instanceof String ? "String value" : value instanceof Boolean ? "Boolean value" : "Number value";
        return new JsonException("Cannot deserialize value of type `" + type.getTypeName() + "` from " + token);
    }
}
