package dev.brume.lambda.json;

import java.lang.reflect.Field;

/** Objects of classes without a constructor that could be called; apart, since few functions need it. */
final class Uninitialized {
    private Uninitialized() {}

    static Object create(Class<?> type) {
        try {
            Field field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return ((sun.misc.Unsafe) field.get(null)).allocateInstance(type);
        } catch (ReflectiveOperationException e) {
            throw new JsonException("Cannot construct instance of `" + type.getName() + "`", e);
        }
    }
}
