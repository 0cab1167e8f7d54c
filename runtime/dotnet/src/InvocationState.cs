using System;
using System.Collections.Generic;
using System.Globalization;

namespace Brume.Lambda
{
    /// <summary>
    /// What ILambdaContext tells: Implementation calls these by their names.
    /// https://docs.aws.amazon.com/lambda/latest/dg/csharp-context.html
    /// </summary>
    public sealed class InvocationState
    {
        static readonly DateTime Epoch = new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

        readonly Event next;
        readonly Settings settings;
        readonly FunctionLog log;
        readonly object serializer;
        readonly Type contextType;
        readonly long deadlineMs;
        object clientContext;
        object identity;
        object logger;

        public InvocationState(Event next, Settings settings, FunctionLog log, object serializer, Type contextType)
        {
            this.next = next;
            this.settings = settings;
            this.log = log;
            this.serializer = serializer;
            this.contextType = contextType;
            long.TryParse(next.Header("lambda-runtime-deadline-ms"), NumberStyles.Integer, CultureInfo.InvariantCulture, out deadlineMs);
        }

        public string AwsRequestId { get { return next.Header("lambda-runtime-aws-request-id"); } }
        public string InvokedFunctionArn { get { return next.Header("lambda-runtime-invoked-function-arn"); } }
        public string TraceId { get { return next.Header("lambda-runtime-trace-id"); } }
        public string TenantId { get { return next.Header("lambda-runtime-aws-tenant-id"); } }
        public string FunctionName { get { return settings.FunctionName; } }
        public string FunctionVersion { get { return settings.FunctionVersion; } }
        public string LogGroupName { get { return settings.LogGroup; } }
        public string LogStreamName { get { return settings.LogStream; } }
        public int MemoryLimitInMB { get { return settings.MemoryMb; } }
        public TimeSpan RemainingTime { get { return TimeSpan.FromMilliseconds(deadlineMs - (DateTime.UtcNow - Epoch).TotalMilliseconds); } }
        public object Serializer { get { return serializer; } }

        public object Logger
        {
            get { return logger ?? (logger = Implementation.Of(TypeOf("Logger"), new ContextLogger(log))); }
        }

        public object ClientContext
        {
            get
            {
                if (clientContext == null)
                {
                    Type type = TypeOf("ClientContext");
                    Dictionary<string, object> fields = JsonReader.ReadObject(next.Header("lambda-runtime-client-context"));
                    clientContext = Implementation.Of(type, new ClientContextState(fields, type.GetProperty("Client").PropertyType));
                }
                return clientContext;
            }
        }

        public object Identity
        {
            get
            {
                Dictionary<string, object> fields = identity != null ? null : JsonReader.ReadObject(next.Header("lambda-runtime-cognito-identity"));
                return identity ?? (identity = Implementation.Of(TypeOf("Identity"), new IdentityState(fields)));
            }
        }

        Type TypeOf(string property)
        {
            return contextType.GetProperty(property).PropertyType;
        }
    }

    /// <summary>ILambdaLogger; its methods for single levels call these.</summary>
    public sealed class ContextLogger
    {
        readonly FunctionLog log;

        public ContextLogger(FunctionLog log)
        {
            this.log = log;
        }

        public void Log(string message)
        {
            if (!string.IsNullOrEmpty(message)) log.WriteRaw(message);
        }

        public void LogLine(string message)
        {
            log.Write(LogLevel.Information, null, message, null);
        }

        public void Log(string level, string message)
        {
            log.Write(level, null, message, null);
        }

        public void Log(string level, string message, object[] arguments)
        {
            log.Write(level, null, message, arguments);
        }

        public void Log(string level, Exception error, string message, object[] arguments)
        {
            log.Write(level, error, message, arguments);
        }
    }

    /// <summary>IClientContext.</summary>
    public sealed class ClientContextState
    {
        readonly Dictionary<string, object> fields;
        readonly object client;

        public ClientContextState(Dictionary<string, object> fields, Type clientType)
        {
            this.fields = fields;
            Dictionary<string, object> given = JsonReader.Field(fields, "client") as Dictionary<string, object>;
            if (given != null) client = Implementation.Of(clientType, new ClientApplication(given));
        }

        public object Client { get { return client; } }
        public IDictionary<string, string> Custom { get { return Texts("custom"); } }
        public IDictionary<string, string> Environment { get { return Texts("env"); } }

        IDictionary<string, string> Texts(string name)
        {
            Dictionary<string, object> given = JsonReader.Field(fields, name) as Dictionary<string, object>;
            if (given == null) return null;
            Dictionary<string, string> texts = new Dictionary<string, string>();
            foreach (string key in given.Keys) texts[key] = JsonReader.TextOf(given, key);
            return texts;
        }
    }

    /// <summary>IClientApplication.</summary>
    public sealed class ClientApplication
    {
        readonly Dictionary<string, object> fields;

        public ClientApplication(Dictionary<string, object> fields)
        {
            this.fields = fields;
        }

        public string AppPackageName { get { return JsonReader.TextOf(fields, "app_package_name"); } }
        public string AppTitle { get { return JsonReader.TextOf(fields, "app_title"); } }
        public string AppVersionCode { get { return JsonReader.TextOf(fields, "app_version_code"); } }
        public string AppVersionName { get { return JsonReader.TextOf(fields, "app_version_name"); } }
        public string InstallationId { get { return JsonReader.TextOf(fields, "installation_id"); } }
    }

    /// <summary>ICognitoIdentity.</summary>
    public sealed class IdentityState
    {
        readonly Dictionary<string, object> fields;

        public IdentityState(Dictionary<string, object> fields)
        {
            this.fields = fields;
        }

        public string IdentityId { get { return JsonReader.TextOf(fields, "cognitoIdentityId"); } }
        public string IdentityPoolId { get { return JsonReader.TextOf(fields, "cognitoIdentityPoolId"); } }
    }
}
