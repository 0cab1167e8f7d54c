using System;

namespace Brume.Lambda
{
    /// <summary>What the environment variables say. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html</summary>
    public sealed class Settings
    {
        public readonly string Handler = Variable("_HANDLER");
        public readonly string TaskRoot = Variable("LAMBDA_TASK_ROOT");
        public readonly string FunctionName = Variable("AWS_LAMBDA_FUNCTION_NAME");
        public readonly string FunctionVersion = Variable("AWS_LAMBDA_FUNCTION_VERSION");
        public readonly string LogGroup = Variable("AWS_LAMBDA_LOG_GROUP_NAME");
        public readonly string LogStream = Variable("AWS_LAMBDA_LOG_STREAM_NAME");
        public readonly int MemoryMb;
        /// <summary>In lower case: `default`, `unformatted`, `json`.</summary>
        public readonly string LogFormat;
        public readonly LogLevel LowestLevel;

        public Settings()
        {
            int.TryParse(Variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), out MemoryMb);
            LogFormat = OneOf("AWS_LAMBDA_HANDLER_LOG_FORMAT", "AWS_LAMBDA_LOG_FORMAT").ToLowerInvariant();
            LowestLevel = LogLevels.Parse(OneOf("AWS_LAMBDA_HANDLER_LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL")) ?? LogLevel.Information;
        }

        static string Variable(string name)
        {
            return Environment.GetEnvironmentVariable(name) ?? "";
        }

        /// <summary>What the function's author says goes before what Lambda is told.</summary>
        static string OneOf(string name, string other)
        {
            string value = Variable(name);
            return value == "" ? Variable(other) : value;
        }
    }
}
