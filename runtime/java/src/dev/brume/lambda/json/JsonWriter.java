package dev.brume.lambda.json;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZonedDateTime;
import java.time.temporal.TemporalAccessor;
import java.time.temporal.TemporalAmount;
import java.util.Base64;
import java.util.Calendar;
import java.util.Date;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TimeZone;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Values to text, as AWS's runtime has it: null properties are left out, dates are numbers, bytes are base64. Objects by
 * their public fields and getters.
 */
public final class JsonWriter {
    /** Beyond it an object refers to itself. */
    private static final int DEEPEST = 1_000;

    private final StringBuilder text = new StringBuilder();
    private int depth;

    private JsonWriter() {}

    public static byte[] bytes(Object value) {
        JsonWriter writer = new JsonWriter();
        writer.write(value);
        return writer.text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private void write(Object value) {
        if (value == null) text.append("null");
        else if (value instanceof String string) writeString(string);
        else if (value instanceof Number number) writeNumber(number);
        else if (value instanceof Boolean) text.append(value);
        else if (value instanceof Map<?, ?> map) writeMap(map);
        else if (value instanceof Iterable<?> elements && !(value instanceof java.nio.file.Path)) writeElements(elements.iterator());
        else if (value instanceof Enum<?> constant) writeString(constant.name());
        else if (value.getClass().isArray()) writeArray(value);
        else writeOther(value);
    }

    private void writeOther(Object value) {
        if (value instanceof Character || value instanceof CharSequence) writeString(value.toString());
        else if (value instanceof Optional<?> optional) write(optional.orElse(null));
        else if (value instanceof Date date) text.append(date.getTime());
        else if (value instanceof TemporalAccessor || value instanceof TemporalAmount) writeTime(value);
        else if (value instanceof Iterator<?> elements) writeElements(elements);
        else if (value instanceof ByteBuffer buffer) writeBytes(bytesOf(buffer));
        else if (value instanceof Calendar calendar) text.append(calendar.getTimeInMillis());
        else if (value instanceof OptionalInt optional) write(optional.isPresent() ? (Object) optional.getAsInt() : null);
        else if (value instanceof OptionalLong optional) write(optional.isPresent() ? (Object) optional.getAsLong() : null);
        else if (value instanceof OptionalDouble optional) write(optional.isPresent() ? (Object) optional.getAsDouble() : null);
        else if (value instanceof AtomicBoolean flag) text.append(flag.get());
        else if (value instanceof AtomicReference<?> reference) write(reference.get());
        else if (value instanceof Class<?> type) writeString(type.getName());
        else if (value instanceof TimeZone zone) writeString(zone.getID());
        else if (isText(value)) writeString(value.toString());
        else writeBean(value);
    }

    private static boolean isText(Object value) {
        return value instanceof java.util.UUID || value instanceof java.net.URI || value instanceof java.net.URL
                || value instanceof java.util.Locale || value instanceof java.util.Currency || value instanceof java.io.File
                || value instanceof java.nio.file.Path || value instanceof java.time.ZoneId || value instanceof java.util.regex.Pattern;
    }

    private void writeBean(Object value) {
        List<Bean.Getter> getters = Bean.of(value.getClass()).getters();
        open('{');
        boolean first = true;
        for (Bean.Getter getter : getters) {
            Object property = getter.read(value);
            if (property == null) continue;
            if (!first) text.append(',');
            first = false;
            writeString(getter.name());
            text.append(':');
            write(property);
        }
        close('}');
    }

    private void writeMap(Map<?, ?> map) {
        open('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (entry.getValue() == null) continue;
            if (entry.getKey() == null) throw new JsonException("Null key for a Map not allowed in JSON");
            if (!first) text.append(',');
            first = false;
            writeString(entry.getKey() instanceof Enum<?> constant ? constant.name() : entry.getKey().toString());
            text.append(':');
            write(entry.getValue());
        }
        close('}');
    }

    private void writeElements(Iterator<?> elements) {
        open('[');
        for (boolean first = true; elements.hasNext(); first = false) {
            if (!first) text.append(',');
            write(elements.next());
        }
        close(']');
    }

    private void writeArray(Object array) {
        if (array instanceof byte[] bytes) {
            writeBytes(bytes);
            return;
        }
        if (array instanceof char[] characters) {
            writeString(new String(characters));
            return;
        }
        open('[');
        int length = java.lang.reflect.Array.getLength(array);
        for (int i = 0; i < length; i++) {
            if (i > 0) text.append(',');
            write(java.lang.reflect.Array.get(array, i));
        }
        close(']');
    }

    private void writeNumber(Number number) {
        if (number instanceof Double || number instanceof Float) {
            double value = number.doubleValue();
            if (Double.isNaN(value) || Double.isInfinite(value)) {
                writeString(number.toString());
                return;
            }
        }
        text.append(number);
    }

    private void writeBytes(byte[] bytes) {
        text.append('"').append(Base64.getEncoder().encodeToString(bytes)).append('"');
    }

    private static byte[] bytesOf(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    private void writeTime(Object value) {
        if (value instanceof Instant instant) writeSeconds(instant.getEpochSecond(), instant.getNano());
        else if (value instanceof OffsetDateTime time) writeSeconds(time.toEpochSecond(), time.getNano());
        else if (value instanceof ZonedDateTime time) writeSeconds(time.toEpochSecond(), time.getNano());
        else if (value instanceof Duration duration) writeSeconds(duration.getSeconds(), duration.getNano());
        else if (value instanceof LocalDate date) writeNumbers(date.getYear(), date.getMonthValue(), date.getDayOfMonth());
        else if (value instanceof LocalTime time) writeClock(time, time.getHour(), time.getMinute());
        else if (value instanceof LocalDateTime time) {
            writeClock(time.toLocalTime(), time.getYear(), time.getMonthValue(), time.getDayOfMonth(), time.getHour(), time.getMinute());
        } else if (value instanceof Year year) text.append(year.getValue());
        else if (value instanceof YearMonth month) writeNumbers(month.getYear(), month.getMonthValue());
        else writeString(value.toString());
    }

    private void writeSeconds(long seconds, int nanos) {
        text.append(BigDecimal.valueOf(seconds).add(BigDecimal.valueOf(nanos, 9)).setScale(9).toPlainString());
    }

    /** Seconds and nanoseconds only where there are some. */
    private void writeClock(LocalTime time, int... before) {
        int count = before.length + (time.getNano() != 0 ? 2 : time.getSecond() != 0 ? 1 : 0);
        int[] numbers = java.util.Arrays.copyOf(before, count);
        if (count > before.length) numbers[before.length] = time.getSecond();
        if (count > before.length + 1) numbers[before.length + 1] = time.getNano();
        writeNumbers(numbers);
    }

    private void writeNumbers(int... numbers) {
        text.append('[');
        for (int i = 0; i < numbers.length; i++) {
            if (i > 0) text.append(',');
            text.append(numbers[i]);
        }
        text.append(']');
    }

    private void writeString(String value) {
        text.append('"');
        int plainFrom = 0;
        for (int i = 0; i < value.length(); i++) {
            char character = value.charAt(i);
            if (character >= ' ' && character != '"' && character != '\\') continue;
            text.append(value, plainFrom, i);
            plainFrom = i + 1;
            switch (character) {
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                case '\b' -> text.append("\\b");
                case '\f' -> text.append("\\f");
                default -> text.append("\\u00").append(Character.forDigit(character >> 4, 16)).append(Character.forDigit(character & 15, 16));
            }
        }
        text.append(value, plainFrom, value.length()).append('"');
    }

    private void open(char bracket) {
        if (++depth > DEEPEST) throw new JsonException("Document nesting depth (" + depth + ") exceeds the maximum allowed (" + DEEPEST + "): infinite recursion");
        text.append(bracket);
    }

    private void close(char bracket) {
        depth--;
        text.append(bracket);
    }
}
