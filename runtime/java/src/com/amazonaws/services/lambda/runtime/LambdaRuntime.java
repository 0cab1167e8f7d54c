package com.amazonaws.services.lambda.runtime;

/** The logger for code that has no context at hand, such as log appenders. */
public final class LambdaRuntime {
    private static volatile LambdaLogger logger;

    private LambdaRuntime() {}

    public static LambdaLogger getLogger() {
        return logger;
    }

    /** Called by the runtime before it loads the function. */
    public static void setLogger(LambdaLogger value) {
        logger = value;
    }
}
