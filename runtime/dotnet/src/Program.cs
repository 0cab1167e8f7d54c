using System;
using System.IO;
using System.Reflection;

[assembly: AssemblyVersion("1.0.0.0")]

namespace Brume.Lambda
{
    /// <summary>
    /// Runs a .NET function of a class library: loads the handler, then asks the Lambda Runtime API for one event after another.
    /// https://docs.aws.amazon.com/lambda/latest/dg/csharp-handler.html, .../runtimes-api.html
    ///
    /// Compiled for .NET Framework 4's mscorlib, which .NET forwards to its own libraries: only what all of them have is used, the
    /// rest by reflection. Nothing of AWS's is referenced, since the function brings its own version of it. Every method is
    /// compiled anew at each cold start: no LINQ, no expressions, no regular expressions, no lambda expressions on the way.
    /// </summary>
    static class Program
    {
        const string UnknownError = "Runtime.Unknown";

        static void Main(string[] arguments)
        {
            // Started to see whether it does.
            if (arguments.Length == 1 && arguments[0] == "--trial") return;
            Settings settings = new Settings();
            FunctionLog log = new FunctionLog(settings, Descriptor.StandardOutput);
            Console.SetOut(new ConsoleWriter(log, LogLevel.Information));
            Console.SetError(new ConsoleWriter(log, LogLevel.Error));
            AmazonLambdaCore.Follow(log);
            MemoryLimit.Tell(settings.MemoryMb);

            RuntimeApi api = new RuntimeApi(Descriptor.Connection);
            Handler handler = null;
            try
            {
                handler = HandlerLoader.Load(settings.Handler);
            }
            catch (Exception error)
            {
                log.Write(LogLevel.Error, error, null, null);
                api.Post("init/error", ErrorReport.Of(error), UnknownError);
                Environment.Exit(1);
            }
            Serve(api, handler, settings, log);
        }

        static void Serve(RuntimeApi api, Handler handler, Settings settings, FunctionLog log)
        {
            byte[] outcome = new byte[0];
            while (true)
            {
                Event next = api.Next(outcome);
                string id = next.Header("lambda-runtime-aws-request-id");
                string traceId = next.Header("lambda-runtime-trace-id");
                log.RequestId = id;
                log.TraceId = traceId;
                Environment.SetEnvironmentVariable("_X_AMZN_TRACE_ID", traceId);
                AmazonLambdaCore.SetTraceId(traceId);
                try
                {
                    MemoryStream output = new MemoryStream();
                    handler.Invoke(new MemoryStream(next.Body), new InvocationState(next, settings, log, handler.Serializer, handler.ContextType), output);
                    outcome = RuntimeApi.Request("invocation/" + id + "/response", output.ToArray(), null);
                }
                catch (Exception thrown)
                {
                    Exception error = thrown is HandlerException ? thrown.InnerException : thrown;
                    log.Write(LogLevel.Error, error, null, null);
                    outcome = RuntimeApi.Request("invocation/" + id + "/error", ErrorReport.Of(error), error.GetType().Name);
                }
            }
        }
    }
}
