using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text;

namespace Brume.Lambda
{
    /// <summary>An exception as its caller sees it. https://docs.aws.amazon.com/lambda/latest/dg/csharp-exceptions.html</summary>
    static class ErrorReport
    {
        const int LargestBytes = 256 * 1024;
        const string TooLarge = "{\"errorMessage\":\"Exception exceeded maximum payload size of 256KB.\"}";

        public static byte[] Of(Exception error)
        {
            JsonText json = new JsonText(false);
            Write(error, json);
            byte[] bytes = Encoding.UTF8.GetBytes(json.ToString());
            return bytes.Length <= LargestBytes ? bytes : Encoding.ASCII.GetBytes(TooLarge);
        }

        static void Write(Exception error, JsonText json)
        {
            json.Open('{');
            json.Name("errorType").Text(error.GetType().Name);
            json.Name("errorMessage").Text(error.Message);
            List<string> trace = StackTraceOf(error);
            if (trace.Count > 0)
            {
                json.Name("stackTrace").Open('[');
                foreach (string line in trace) json.Item().Text(line);
                json.Close(']');
            }
            if (error.InnerException != null)
            {
                json.Name("cause");
                Write(error.InnerException, json);
            }
            AggregateException several = error as AggregateException;
            if (several != null)
            {
                json.Name("causes").Open('[');
                foreach (Exception one in several.InnerExceptions)
                {
                    json.Item();
                    Write(one, json);
                }
                json.Close(']');
            }
            json.Close('}');
        }

        /// <summary>The function's own frames: from where it was thrown to where the handler was called.</summary>
        static List<string> StackTraceOf(Exception error)
        {
            List<string> lines = new List<string>();
            if (string.IsNullOrEmpty(error.StackTrace)) return lines;
            foreach (string line in new StackTrace(error, true).ToString().Split('\n'))
            {
                string frame = line.Trim();
                if (frame != "") lines.Add(frame);
            }
            while (lines.Count > 0 && IsOfRuntime(lines[lines.Count - 1])) lines.RemoveAt(lines.Count - 1);
            return lines;
        }

        /// <summary>How this program calls a method by reflection, in .NET's words and in Mono's.</summary>
        static bool IsOfRuntime(string frame)
        {
            return frame.StartsWith("at Brume.Lambda.", StringComparison.Ordinal)
                || frame.StartsWith("at System.Reflection.", StringComparison.Ordinal)
                || frame.StartsWith("at System.RuntimeMethodHandle.", StringComparison.Ordinal)
                || frame.StartsWith("at InvokeStub_", StringComparison.Ordinal)
                || frame.StartsWith("at (wrapper ", StringComparison.Ordinal);
        }
    }
}
