package dev.brume.lambda;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** What is wrong with the function itself: no such class, no such method. A fatal one ends the runtime. */
final class Fault extends RuntimeException {
    static final String BAD_CODE = "Runtime.BadFunctionCode";
    private static final String OWN_PACKAGE = "dev.brume.lambda.";
    private static final long serialVersionUID = 1;

    final String text;
    final String type;
    final String trace;
    final boolean fatal;

    Fault(String text, String type, String trace, boolean fatal) {
        super(text, null, false, false);
        this.text = text;
        this.type = type;
        this.trace = trace;
        this.fatal = fatal;
    }

    Fault(String text) {
        this(text, null, null, false);
    }

    static Fault of(Throwable error, boolean fatal) {
        return new Fault(messageOf(error), error.getClass().getName(), traceOf(error), fatal);
    }

    static String messageOf(Throwable error) {
        String message = error.getLocalizedMessage();
        return message == null ? error.getClass().getName() : message;
    }

    /** For the log. */
    String report() {
        if (type == null && trace == null) return text + "\n";
        return text + ": " + (type == null ? "" : type) + "\n" + (trace == null ? "" : trace) + "\n";
    }

    static String traceOf(Throwable error) {
        StringWriter text = new StringWriter();
        withoutRuntime(error).printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    /** Cuts the runtime's own frames, and what is below them, off its trace and those of its causes. */
    static <T extends Throwable> T withoutRuntime(T error) {
        cut(error, Collections.newSetFromMap(new IdentityHashMap<>()));
        return error;
    }

    private static void cut(Throwable error, Set<Throwable> seen) {
        if (error == null || !seen.add(error)) return;
        StackTraceElement[] trace = error.getStackTrace();
        for (int i = 0; i < trace.length; i++) {
            if (!trace[i].getClassName().startsWith(OWN_PACKAGE)) continue;
            StackTraceElement[] rest = new StackTraceElement[i];
            System.arraycopy(trace, 0, rest, 0, i);
            error.setStackTrace(rest);
            break;
        }
        cut(error.getCause(), seen);
        for (Throwable suppressed : error.getSuppressed()) cut(suppressed, seen);
    }
}
