package dev.brume.lambda;

import java.lang.reflect.Method;

/** Tells the request to log4j, when the function's appender asked for it: layouts name it %X{AWSRequestId}. */
final class Log4j {
    private Log4j() {}

    static void setRequestId(String id) {
        put("org.apache.logging.log4j.ThreadContext", String.class, id);
        put("org.apache.log4j.MDC", Object.class, id);
    }

    private static void put(String className, Class<?> valueType, String id) {
        try {
            Method put = Class.forName(className, true, Thread.currentThread().getContextClassLoader()).getMethod("put", String.class, valueType);
            put.invoke(null, "AWSRequestId", id);
        } catch (ReflectiveOperationException e) {
            // That log4j is not there.
        }
    }
}
