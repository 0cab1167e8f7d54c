package dev.brume.lambda;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import dev.brume.lambda.json.JsonParser;
import java.util.HashMap;
import java.util.Map;

final class InvocationContext implements Context {
    private final RuntimeApi.Event event;
    private final Settings settings;
    private final LambdaLogger logger;
    private final long deadlineMs;
    private final CognitoIdentity identity;
    private final ClientContext clientContext;

    InvocationContext(RuntimeApi.Event event, Settings settings, LambdaLogger logger) {
        this.event = event;
        this.settings = settings;
        this.logger = logger;
        this.deadlineMs = Long.parseLong(event.header("lambda-runtime-deadline-ms"));
        String identityText = event.header("lambda-runtime-cognito-identity");
        this.identity = identityText == null ? null : new Identity(fields(JsonParser.parse(identityText)));
        String contextText = event.header("lambda-runtime-client-context");
        this.clientContext = contextText == null ? null : new CallerContext(fields(JsonParser.parse(contextText)));
    }

    @Override
    public String getAwsRequestId() {
        return event.header("lambda-runtime-aws-request-id");
    }

    @Override
    public String getLogGroupName() {
        return settings.logGroup;
    }

    @Override
    public String getLogStreamName() {
        return settings.logStream;
    }

    @Override
    public String getFunctionName() {
        return settings.functionName;
    }

    @Override
    public String getFunctionVersion() {
        return settings.functionVersion;
    }

    @Override
    public String getInvokedFunctionArn() {
        return event.header("lambda-runtime-invoked-function-arn");
    }

    @Override
    public CognitoIdentity getIdentity() {
        return identity;
    }

    @Override
    public ClientContext getClientContext() {
        return clientContext;
    }

    @Override
    public int getRemainingTimeInMillis() {
        return (int) Math.max(0, deadlineMs - System.currentTimeMillis());
    }

    @Override
    public int getMemoryLimitInMB() {
        return settings.memoryMb;
    }

    @Override
    public LambdaLogger getLogger() {
        return logger;
    }

    @Override
    public String getTenantId() {
        return event.header("lambda-runtime-aws-tenant-id");
    }

    @Override
    public String getXrayTraceId() {
        return event.header("lambda-runtime-trace-id");
    }

    private static Map<?, ?> fields(Object value) {
        return value instanceof Map<?, ?> map ? map : Map.of();
    }

    private static Map<String, String> texts(Object value) {
        Map<String, String> texts = new HashMap<>();
        for (Map.Entry<?, ?> entry : fields(value).entrySet()) texts.put((String) entry.getKey(), text(entry.getValue()));
        return texts;
    }

    private static String text(Object value) {
        return value == null ? null : value.toString();
    }

    private record Identity(Map<?, ?> fields) implements CognitoIdentity {
        @Override
        public String getIdentityId() {
            return text(fields.get("cognitoIdentityId"));
        }

        @Override
        public String getIdentityPoolId() {
            return text(fields.get("cognitoIdentityPoolId"));
        }
    }

    private record CallerContext(Map<?, ?> fields) implements ClientContext {
        @Override
        public Client getClient() {
            return fields.get("client") == null ? null : new Caller(InvocationContext.fields(fields.get("client")));
        }

        @Override
        public Map<String, String> getCustom() {
            return fields.get("custom") == null ? null : texts(fields.get("custom"));
        }

        @Override
        public Map<String, String> getEnvironment() {
            return fields.get("env") == null ? null : texts(fields.get("env"));
        }
    }

    private record Caller(Map<?, ?> fields) implements Client {
        @Override
        public String getInstallationId() {
            return text(fields.get("installation_id"));
        }

        @Override
        public String getAppTitle() {
            return text(fields.get("app_title"));
        }

        @Override
        public String getAppVersionName() {
            return text(fields.get("app_version_name"));
        }

        @Override
        public String getAppVersionCode() {
            return text(fields.get("app_version_code"));
        }

        @Override
        public String getAppPackageName() {
            return text(fields.get("app_package_name"));
        }
    }
}
