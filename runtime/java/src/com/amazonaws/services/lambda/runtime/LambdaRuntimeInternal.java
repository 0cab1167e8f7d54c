package com.amazonaws.services.lambda.runtime;

/** Said by log appenders to the runtime. */
public final class LambdaRuntimeInternal {
    private static volatile boolean useLog4jAppender;

    private LambdaRuntimeInternal() {}

    public static void setUseLog4jAppender(boolean value) {
        useLog4jAppender = value;
    }

    public static boolean getUseLog4jAppender() {
        return useLog4jAppender;
    }
}
