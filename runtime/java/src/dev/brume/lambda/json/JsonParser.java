package dev.brume.lambda.json;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Text to values: LinkedHashMap, ArrayList, String, Boolean, null; whole numbers as Integer, Long or BigInteger, the others as
 * BigDecimal, so that nothing is lost before it is known what becomes of them.
 */
public final class JsonParser {
    /** As Jackson has it. */
    private static final int DEEPEST = 1_000;

    private final String text;
    private int at;
    private int depth;

    private JsonParser(String text) {
        this.text = text;
    }

    public static Object parse(String text) {
        JsonParser parser = new JsonParser(text);
        parser.skipSpace();
        Object value = parser.value();
        parser.skipSpace();
        if (parser.at < text.length()) throw parser.unexpected();
        return value;
    }

    private Object value() {
        if (at >= text.length()) throw new JsonException("No content to map due to end-of-input");
        char first = text.charAt(at);
        switch (first) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                at++;
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                if (first == '-' || (first >= '0' && first <= '9')) return number();
                throw unexpected();
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> fields = new LinkedHashMap<>();
        open();
        if (closes('}')) return fields;
        while (true) {
            skipSpace();
            if (at >= text.length() || text.charAt(at) != '"') throw unexpected();
            at++;
            String name = string();
            skipSpace();
            expect(':');
            skipSpace();
            fields.put(name, value());
            if (!continues('}')) return fields;
        }
    }

    private List<Object> array() {
        List<Object> elements = new ArrayList<>();
        open();
        if (closes(']')) return elements;
        while (true) {
            skipSpace();
            elements.add(value());
            if (!continues(']')) return elements;
        }
    }

    private void open() {
        at++;
        if (++depth > DEEPEST) throw new JsonException("Document nesting depth (" + depth + ") exceeds the maximum allowed (" + DEEPEST + ")");
    }

    private boolean closes(char end) {
        skipSpace();
        if (at >= text.length() || text.charAt(at) != end) return false;
        at++;
        depth--;
        return true;
    }

    private boolean continues(char end) {
        if (closes(end)) return false;
        expect(',');
        return true;
    }

    private void expect(char wanted) {
        if (at >= text.length() || text.charAt(at) != wanted) throw unexpected();
        at++;
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) throw unexpected();
        at += word.length();
        return value;
    }

    private Object number() {
        int start = at;
        boolean whole = true;
        if (text.charAt(at) == '-') at++;
        if (at >= text.length() || !isDigit(text.charAt(at))) throw unexpected();
        for (; at < text.length(); at++) {
            char next = text.charAt(at);
            if (isDigit(next)) continue;
            if (next != '.' && next != 'e' && next != 'E' && next != '+' && next != '-') break;
            whole = false;
        }
        String digits = text.substring(start, at);
        try {
            if (!whole) return new BigDecimal(digits);
            if (digits.length() < 10) return Integer.valueOf(digits);
            if (digits.length() < 19) {
                long value = Long.parseLong(digits);
                return value == (int) value ? (Object) (int) value : (Object) value;
            }
            BigInteger value = new BigInteger(digits);
            return value.bitLength() < 64 ? (Object) value.longValue() : value;
        } catch (NumberFormatException e) {
            throw new JsonException("\"" + digits + "\" is no number");
        }
    }

    private static boolean isDigit(char character) {
        return character >= '0' && character <= '9';
    }

    private String string() {
        int end = at;
        while (end < text.length() && text.charAt(end) != '"' && text.charAt(end) != '\\') end++;
        if (end < text.length() && text.charAt(end) == '"') {
            String plain = text.substring(at, end);
            at = end + 1;
            return plain;
        }
        StringBuilder value = new StringBuilder(text.substring(at, end));
        at = end;
        while (true) {
            if (at >= text.length()) throw new JsonException("Unexpected end-of-input in a string");
            char next = text.charAt(at++);
            if (next == '"') return value.toString();
            value.append(next == '\\' ? escaped() : next);
        }
    }

    private char escaped() {
        if (at >= text.length()) throw new JsonException("Unexpected end-of-input in a string");
        char kind = text.charAt(at++);
        switch (kind) {
            case 'n':
                return '\n';
            case 't':
                return '\t';
            case 'r':
                return '\r';
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'u':
                try {
                    char value = (char) Integer.parseInt(text.substring(at, at + 4), 16);
                    at += 4;
                    return value;
                } catch (RuntimeException e) {
                    throw unexpected();
                }
            default:
                return kind;
        }
    }

    private void skipSpace() {
        while (at < text.length() && text.charAt(at) <= ' ') at++;
    }

    private JsonException unexpected() {
        if (at >= text.length()) return new JsonException("Unexpected end-of-input");
        return new JsonException("Unexpected character ('" + text.charAt(at) + "' (code " + (int) text.charAt(at) + ")) at position " + at);
    }
}
