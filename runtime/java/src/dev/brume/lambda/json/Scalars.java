package dev.brume.lambda.json;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Date;
import java.util.List;
import java.util.Map;

/** One JSON value without parts as a Java value. */
final class Scalars {
    private static final BigDecimal NANOS = BigDecimal.valueOf(1_000_000_000);

    private Scalars() {}

    static Object zero(Class<?> raw) {
        if (raw == boolean.class) return false;
        if (raw == char.class) return '\0';
        return number(BigDecimal.ZERO, raw);
    }

    static String toText(Object value, Class<?> raw) {
        Object only = value instanceof List<?> list && list.size() == 1 ? list.get(0) : value;
        if (only instanceof String || only instanceof Boolean || only instanceof Number) return only.toString();
        throw JsonMapper.mismatch(value, raw);
    }

    /** Numbers, booleans and characters. */
    static Object convert(Object value, Class<?> raw) {
        if (raw == boolean.class || raw == Boolean.class) return toBoolean(value, raw);
        if (raw == char.class || raw == Character.class) return toCharacter(value, raw);
        if (value instanceof Number number) return number(number, raw);
        if (value instanceof String text) {
            String trimmed = text.trim();
            if (trimmed.isEmpty()) return raw.isPrimitive() ? zero(raw) : null;
            try {
                return number(new BigDecimal(trimmed), raw);
            } catch (NumberFormatException e) {
                Double special = special(trimmed);
                if (special != null && (raw == double.class || raw == Double.class)) return special;
                if (special != null && (raw == float.class || raw == Float.class)) return special.floatValue();
                throw new JsonException("Cannot deserialize value of type `" + raw.getTypeName() + "` from String \"" + text + "\": not a valid `" + raw.getTypeName() + "` value");
            }
        }
        throw JsonMapper.mismatch(value, raw);
    }

    private static Double special(String text) {
        return switch (text) {
            case "NaN" -> Double.NaN;
            case "Infinity", "INF" -> Double.POSITIVE_INFINITY;
            case "-Infinity", "-INF" -> Double.NEGATIVE_INFINITY;
            default -> null;
        };
    }

    private static Object toBoolean(Object value, Class<?> raw) {
        if (value instanceof Boolean) return value;
        if (value instanceof Number number && !(value instanceof BigDecimal)) return number.longValue() != 0;
        if (value instanceof String text) {
            String trimmed = text.trim();
            if (trimmed.equals("true") || trimmed.equals("True") || trimmed.equals("TRUE")) return true;
            if (trimmed.equals("false") || trimmed.equals("False") || trimmed.equals("FALSE")) return false;
            if (trimmed.isEmpty()) return raw.isPrimitive() ? (Object) false : null;
        }
        throw JsonMapper.mismatch(value, raw);
    }

    private static Object toCharacter(Object value, Class<?> raw) {
        if (value instanceof String text && text.length() == 1) return text.charAt(0);
        if (value instanceof Integer number && number >= 0 && number <= Character.MAX_VALUE) return (char) (int) number;
        throw JsonMapper.mismatch(value, raw);
    }

    /** Fractions are cut off where whole numbers are wanted. */
    private static Object number(Number value, Class<?> raw) {
        if (raw == int.class || raw == Integer.class) return (int) within(value, Integer.MIN_VALUE, Integer.MAX_VALUE, raw);
        if (raw == long.class || raw == Long.class) return within(value, Long.MIN_VALUE, Long.MAX_VALUE, raw);
        if (raw == double.class || raw == Double.class || raw == Number.class && value instanceof BigDecimal) return value.doubleValue();
        if (raw == Number.class) return value;
        if (raw == float.class || raw == Float.class) return value.floatValue();
        if (raw == short.class || raw == Short.class) return (short) within(value, Short.MIN_VALUE, Short.MAX_VALUE, raw);
        // Jackson takes bytes without a sign too.
        if (raw == byte.class || raw == Byte.class) return (byte) within(value, Byte.MIN_VALUE, 255, raw);
        if (raw == BigDecimal.class) return decimal(value);
        if (raw == BigInteger.class) return decimal(value).toBigInteger();
        if (raw == java.util.concurrent.atomic.AtomicInteger.class) return new java.util.concurrent.atomic.AtomicInteger((int) within(value, Integer.MIN_VALUE, Integer.MAX_VALUE, raw));
        if (raw == java.util.concurrent.atomic.AtomicLong.class) return new java.util.concurrent.atomic.AtomicLong(within(value, Long.MIN_VALUE, Long.MAX_VALUE, raw));
        throw JsonMapper.mismatch(value, raw);
    }

    private static long within(Number value, long least, long most, Class<?> raw) {
        if (value instanceof Integer || value instanceof Long) {
            long number = value.longValue();
            if (number >= least && number <= most) return number;
        } else {
            BigInteger number = decimal(value).toBigInteger();
            if (number.bitLength() < 64 && number.longValue() >= least && number.longValue() <= most) return number.longValue();
        }
        throw new JsonException("Numeric value (" + value + ") out of range of " + raw.getTypeName() + " (" + least + " - " + most + ")");
    }

    private static BigDecimal decimal(Number value) {
        return value instanceof BigDecimal decimal ? decimal : new BigDecimal(value.toString());
    }

    /** Unknown constants are null, as on AWS. */
    static Object toEnum(Object value, Class<?> raw) {
        Object[] constants = raw.getEnumConstants();
        if (value instanceof Integer index) return index >= 0 && index < constants.length ? constants[index] : null;
        if (!(value instanceof String text)) throw JsonMapper.mismatch(value, raw);
        for (Object constant : constants) if (((Enum<?>) constant).name().equals(text.trim())) return constant;
        return null;
    }

    static boolean isTime(Class<?> raw) {
        return raw.getName().startsWith("java.time.");
    }

    /** Of the types that are written as one value; null for all others. */
    static Object toKnown(Object value, Class<?> raw) {
        if (raw == Date.class) return toDate(value);
        if (isTime(raw)) return toTime(value, raw);
        if (!(value instanceof String text)) return ofNumber(value, raw);
        if (raw == StringBuilder.class) return new StringBuilder(text);
        if (raw == java.util.UUID.class) return java.util.UUID.fromString(text);
        if (raw == java.net.URI.class) return java.net.URI.create(text);
        if (raw == java.util.Locale.class) return java.util.Locale.forLanguageTag(text.replace('_', '-'));
        if (raw == java.util.Currency.class) return java.util.Currency.getInstance(text);
        if (raw == java.util.TimeZone.class) return java.util.TimeZone.getTimeZone(text);
        return ofText(text, raw);
    }

    /** Date and number types of other libraries: by their constructor of one Object or String. */
    private static Object ofText(String text, Class<?> raw) {
        Class<?>[] kinds = {String.class, Object.class};
        for (Class<?> kind : kinds) {
            try {
                Constructor<?> constructor = raw.getConstructor(kind);
                return constructor.newInstance(text);
            } catch (NoSuchMethodException e) {
                // Perhaps the other.
            } catch (InvocationTargetException e) {
                throw new JsonException("Cannot construct instance of `" + raw.getName() + "`, problem: " + e.getCause().getMessage(), e.getCause());
            } catch (ReflectiveOperationException e) {
                return null;
            }
        }
        return null;
    }

    private static Object ofNumber(Object value, Class<?> raw) {
        if (!(value instanceof Number number)) return null;
        try {
            return raw.getConstructor(long.class).newInstance(number.longValue());
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    /** Whole numbers are milliseconds; those with a fraction are seconds, as streams give their times. */
    private static Date toDate(Object value) {
        if (value instanceof BigDecimal seconds) return new Date(seconds.movePointRight(3).longValue());
        if (value instanceof Number millis) return new Date(millis.longValue());
        if (!(value instanceof String text)) throw JsonMapper.mismatch(value, Date.class);
        if (text.isEmpty()) return null;
        try {
            if (text.length() == 10) return Date.from(LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant());
            return Date.from(OffsetDateTime.parse(withColon(text)).toInstant());
        } catch (java.time.DateTimeException e) {
            throw new JsonException("Cannot deserialize value of type `java.util.Date` from String \"" + text + "\": not a valid representation", e);
        }
    }

    /** `+0100` as `+01:00`. */
    private static String withColon(String text) {
        int sign = text.length() - 5;
        if (sign > 10 && (text.charAt(sign) == '+' || text.charAt(sign) == '-')) return text.substring(0, sign + 3) + ":" + text.substring(sign + 3);
        return text;
    }

    private static Object toTime(Object value, Class<?> raw) {
        if (value instanceof Number number) {
            BigDecimal seconds = decimal(number);
            long whole = seconds.longValue();
            long nanos = seconds.subtract(BigDecimal.valueOf(whole)).multiply(NANOS).longValue();
            if (raw == Instant.class) return Instant.ofEpochSecond(whole, nanos);
            if (raw == OffsetDateTime.class) return Instant.ofEpochSecond(whole, nanos).atOffset(ZoneOffset.UTC);
            if (raw == ZonedDateTime.class) return Instant.ofEpochSecond(whole, nanos).atZone(ZoneOffset.UTC);
            if (raw == Duration.class) return Duration.ofSeconds(whole, nanos);
            if (raw == LocalDate.class) return LocalDate.ofEpochDay(whole);
            if (raw == java.time.Year.class) return java.time.Year.of((int) whole);
            throw JsonMapper.mismatch(value, raw);
        }
        if (value instanceof List<?> parts) return ofParts(parts, raw);
        if (value instanceof Map || !(value instanceof String text)) throw JsonMapper.mismatch(value, raw);
        if (text.isEmpty()) return null;
        try {
            if (raw == java.time.ZoneId.class) return java.time.ZoneId.of(text);
            if (raw == ZoneOffset.class) return ZoneOffset.of(text);
            if (raw == java.time.DayOfWeek.class || raw == java.time.Month.class) return toEnum(text, raw);
            Method parse = raw.getMethod("parse", CharSequence.class);
            if (Modifier.isStatic(parse.getModifiers())) return parse.invoke(null, text);
        } catch (InvocationTargetException e) {
            throw new JsonException("Cannot deserialize value of type `" + raw.getName() + "` from String \"" + text + "\": " + e.getCause().getMessage(), e.getCause());
        } catch (ReflectiveOperationException e) {
            // Not one of those that can be read.
        }
        throw JsonMapper.mismatch(value, raw);
    }

    private static Object ofParts(List<?> parts, Class<?> raw) {
        int[] numbers = new int[7];
        for (int i = 0; i < parts.size() && i < numbers.length; i++) {
            if (!(parts.get(i) instanceof Integer number)) throw JsonMapper.mismatch(parts, raw);
            numbers[i] = number;
        }
        if (raw == LocalDate.class) return LocalDate.of(numbers[0], numbers[1], numbers[2]);
        if (raw == LocalTime.class) return LocalTime.of(numbers[0], numbers[1], numbers[2], numbers[3]);
        if (raw == LocalDateTime.class) return LocalDateTime.of(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]);
        if (raw == java.time.YearMonth.class) return java.time.YearMonth.of(numbers[0], numbers[1]);
        throw JsonMapper.mismatch(parts, raw);
    }
}
