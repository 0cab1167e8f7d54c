using System;
using System.Reflection;

namespace Brume.Lambda
{
    /// <summary>
    /// The library Amazon.Lambda.Core of the function's package, in whatever version: its static loggers are led to the function's
    /// log once it is loaded. https://github.com/aws/aws-lambda-dotnet/tree/master/Libraries/src/Amazon.Lambda.Core
    /// </summary>
    static class AmazonLambdaCore
    {
        const string AssemblyName = "Amazon.Lambda.Core";
        public const string Context = "Amazon.Lambda.Core.ILambdaContext";
        public const string Serializer = "Amazon.Lambda.Core.ILambdaSerializer";
        public const string SerializerAttribute = "Amazon.Lambda.Core.LambdaSerializerAttribute";

        static FunctionLog log;
        static MethodInfo setTraceId;

        public static void Follow(FunctionLog functionLog)
        {
            log = functionLog;
            AppDomain.CurrentDomain.AssemblyLoad += Loaded;
        }

        public static void SetTraceId(string traceId)
        {
            if (setTraceId != null) setTraceId.Invoke(null, new object[] { traceId });
        }

        static void Loaded(object sender, AssemblyLoadEventArgs loaded)
        {
            Assembly assembly = loaded.LoadedAssembly;
            if (assembly.GetName().Name != AssemblyName) return;
            Type logger = assembly.GetType("Amazon.Lambda.Core.LambdaLogger");
            Set(logger, "_loggingAction", new Action<string>(LogText));
            Set(logger, "_loggingWithLevelAction", new Action<string, string, object[]>(LogLevelled));
            Set(logger, "_loggingWithLevelAndExceptionAction", new Action<string, Exception, string, object[]>(LogException));
            Type traces = assembly.GetType("Amazon.Lambda.Core.LambdaTraceProvider");
            if (traces != null) setTraceId = traces.GetMethod("SetCurrentTraceId", BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic);
        }

        /// <summary>Older versions do not have all.</summary>
        static void Set(Type type, string name, object value)
        {
            FieldInfo field = type == null ? null : type.GetField(name, BindingFlags.Static | BindingFlags.NonPublic);
            if (field != null) field.SetValue(null, value);
        }

        static void LogText(string message)
        {
            log.Write((string)null, null, message, null);
        }

        static void LogLevelled(string level, string message, object[] arguments)
        {
            log.Write(level, null, message, arguments);
        }

        static void LogException(string level, Exception error, string message, object[] arguments)
        {
            log.Write(level, error, message, arguments);
        }
    }
}
