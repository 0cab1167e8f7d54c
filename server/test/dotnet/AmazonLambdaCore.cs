// What the tests' functions need of Amazon.Lambda.Core, by the names that AWS's has: the library comes with the function, never
// with the runtime. https://github.com/aws/aws-lambda-dotnet/tree/master/Libraries/src/Amazon.Lambda.Core

using System;
using System.Collections.Generic;
using System.IO;

namespace Amazon.Lambda.Core
{
    public interface ILambdaContext
    {
        string AwsRequestId { get; }
        IClientContext ClientContext { get; }
        string FunctionName { get; }
        string FunctionVersion { get; }
        ICognitoIdentity Identity { get; }
        string InvokedFunctionArn { get; }
        ILambdaLogger Logger { get; }
        string LogGroupName { get; }
        string LogStreamName { get; }
        int MemoryLimitInMB { get; }
        TimeSpan RemainingTime { get; }
        string TraceId { get; }
        string TenantId { get; }
        ILambdaSerializer Serializer { get; }
        /// <summary>AWS has no such thing: as one that is newer than Brume's runtime.</summary>
        string Unknown { get; }
    }

    public interface IClientContext
    {
        IDictionary<string, string> Environment { get; }
        IClientApplication Client { get; }
        IDictionary<string, string> Custom { get; }
    }

    public interface IClientApplication
    {
        string AppPackageName { get; }
        string AppTitle { get; }
        string AppVersionCode { get; }
        string AppVersionName { get; }
        string InstallationId { get; }
    }

    public interface ICognitoIdentity
    {
        string IdentityId { get; }
        string IdentityPoolId { get; }
    }

    public interface ILambdaLogger
    {
        void Log(string message);
        void LogLine(string message);
        void Log(string level, string message);
        void Log(string level, string message, params object[] arguments);
        void Log(string level, Exception exception, string message, params object[] arguments);
    }

    public interface ILambdaSerializer
    {
        T Deserialize<T>(Stream requestStream);
        void Serialize<T>(T response, Stream responseStream);
    }

    [AttributeUsage(AttributeTargets.Assembly | AttributeTargets.Method)]
    public sealed class LambdaSerializerAttribute : Attribute
    {
        public LambdaSerializerAttribute(Type serializerType)
        {
            SerializerType = serializerType;
        }

        public Type SerializerType { get; set; }
    }

    public static class LambdaLogger
    {
        static Action<string> _loggingAction = Console.WriteLine;
        static Action<string, string, object[]> _loggingWithLevelAction = delegate { };
        static Action<string, Exception, string, object[]> _loggingWithLevelAndExceptionAction = delegate { };

        public static void Log(string message)
        {
            _loggingAction(message);
        }

        public static void Log(string level, string message, params object[] arguments)
        {
            _loggingWithLevelAction(level, message, arguments);
        }

        public static void Log(string level, Exception exception, string message, params object[] arguments)
        {
            _loggingWithLevelAndExceptionAction(level, exception, message, arguments);
        }
    }

    public static class LambdaTraceProvider
    {
        public static string CurrentTraceId { get; private set; }

        internal static void SetCurrentTraceId(string traceId)
        {
            CurrentTraceId = traceId;
        }
    }
}
