package dev.brume.lambda;

/** What the environment says of the function. */
final class Settings {
    final String handler;
    final String taskRoot;
    final String functionName;
    final String functionVersion;
    final String logGroup;
    final String logStream;
    final int memoryMb;
    final boolean logsJson;
    final String logLevel;

    Settings(String handler, String taskRoot, String functionName, String functionVersion, String logGroup,
            String logStream, int memoryMb, boolean logsJson, String logLevel) {
        this.handler = handler;
        this.taskRoot = taskRoot;
        this.functionName = functionName;
        this.functionVersion = functionVersion;
        this.logGroup = logGroup;
        this.logStream = logStream;
        this.memoryMb = memoryMb;
        this.logsJson = logsJson;
        this.logLevel = logLevel;
    }

    static Settings ofEnvironment() {
        String memory = System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
        return new Settings(
                System.getenv("_HANDLER"),
                System.getenv("LAMBDA_TASK_ROOT"),
                System.getenv("AWS_LAMBDA_FUNCTION_NAME"),
                System.getenv("AWS_LAMBDA_FUNCTION_VERSION"),
                System.getenv("AWS_LAMBDA_LOG_GROUP_NAME"),
                System.getenv("AWS_LAMBDA_LOG_STREAM_NAME"),
                memory == null ? 128 : Integer.parseInt(memory),
                "JSON".equals(System.getenv("AWS_LAMBDA_LOG_FORMAT")),
                System.getenv("AWS_LAMBDA_LOG_LEVEL"));
    }
}
