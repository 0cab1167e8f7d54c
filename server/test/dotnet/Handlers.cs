// The functions of server/test/lambda-dotnet.test.ts.

using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Amazon.Lambda.Core;

[assembly: LambdaSerializer(typeof(Serialization.JsonSerializer))]

namespace Example
{
    public class Order
    {
        public string id;
        public int count;
        public List<Order> lines;
    }

    public class NotFoundException : Exception
    {
        public NotFoundException(string message, Exception cause) : base(message, cause)
        {
        }
    }

    public class Base
    {
        public string Inherited(string text)
        {
            return text + " inherited";
        }
    }

    public class Handlers : Base
    {
        static int count;

        public Stream Echo(Stream input)
        {
            return input;
        }

        public async Task<Stream> EchoLater(Stream input, ILambdaContext context)
        {
            await Task.Delay(5);
            return input;
        }

        public Order Twice(Order order, ILambdaContext context)
        {
            order.count *= 2;
            return order;
        }

        public async Task<Order> TwiceLater(Order order)
        {
            await Task.Delay(5);
            order.count *= 2;
            return order;
        }

        public static string Upper(string text)
        {
            return text.ToUpperInvariant();
        }

        [LambdaSerializer(typeof(Serialization.RawSerializer))]
        public string Raw(string text)
        {
            return "[" + text + "]";
        }

        public int Next()
        {
            return ++count;
        }

        public string OnlyContext(ILambdaContext context)
        {
            return context.FunctionVersion;
        }

        public void Nothing(Order order)
        {
        }

        public async Task NothingLater()
        {
            await Task.Delay(5);
        }

        string Hidden(string text)
        {
            return text + " hidden";
        }

        public string Overloaded(string text)
        {
            return "text";
        }

        public string Overloaded(int number)
        {
            return "number";
        }

        public Dictionary<string, string> Context(ILambdaContext context)
        {
            IClientContext client = context.ClientContext;
            Dictionary<string, string> told = new Dictionary<string, string>();
            told["id"] = context.AwsRequestId;
            told["name"] = context.FunctionName;
            told["version"] = context.FunctionVersion;
            told["arn"] = context.InvokedFunctionArn;
            told["group"] = context.LogGroupName;
            told["stream"] = context.LogStreamName;
            told["memory"] = context.MemoryLimitInMB.ToString();
            told["remainingMs"] = ((int)context.RemainingTime.TotalMilliseconds).ToString();
            told["trace"] = context.TraceId;
            told["traceVariable"] = Environment.GetEnvironmentVariable("_X_AMZN_TRACE_ID");
            told["traceProvider"] = LambdaTraceProvider.CurrentTraceId;
            told["tenant"] = context.TenantId;
            told["serializer"] = context.Serializer.GetType().FullName;
            told["identity"] = context.Identity.IdentityId;
            told["client"] = client.Client == null ? null : client.Client.AppTitle;
            told["custom"] = client.Custom == null ? null : client.Custom["a"] + client.Custom["b"];
            told["environment"] = client.Environment == null ? null : client.Environment["locale"];
            told["execution"] = Environment.GetEnvironmentVariable("AWS_EXECUTION_ENV");
            told["text"] = Environment.GetEnvironmentVariable("TEXT");
            told["here"] = Directory.GetCurrentDirectory();
            told["input"] = Console.In.ReadToEnd();
            try
            {
                told["unknown"] = context.Unknown;
            }
            catch (NotSupportedException e)
            {
                told["unknown"] = e.Message;
            }
            return told;
        }

        public string Logs(ILambdaContext context)
        {
            Console.WriteLine("a line ü");
            Console.WriteLine("two\nlines of {0}", 1);
            Console.WriteLine(1.5);
            Console.Write("in ");
            Console.Write("parts\n");
            Console.Error.WriteLine("to standard error");
            context.Logger.LogLine("by the logger");
            context.Logger.Log("Warning", "with a level");
            context.Logger.Log("Debug", "below the level");
            context.Logger.Log("Odd", "of a level of its own");
            context.Logger.Log("Information", "{product} for {price:0.00}, {{braces}}, {missing}", "Cheese", 2);
            context.Logger.Log("Critical", new InvalidOperationException("what"), "failed {0} and {0}", "here");
            LambdaLogger.Log("static");
            LambdaLogger.Log("Error", "static with {what}", "text");
            Console.Out.WriteLineAsync("later").Wait();
            return "";
        }

        public string Throws(string text)
        {
            Inner(text);
            return "";
        }

        public async Task<string> ThrowsLater(string text)
        {
            await Task.Delay(1);
            Inner(text);
            return "";
        }

        static void Inner(string text)
        {
            try
            {
                throw new IndexOutOfRangeException("below");
            }
            catch (Exception e)
            {
                throw new NotFoundException(text, e);
            }
        }

        public void Aggregate()
        {
            throw new AggregateException("both", new Exception("one"), new Exception("two"));
        }

        public void Exits(int status)
        {
            Environment.Exit(status);
        }

        public string ThrowsElsewhere()
        {
            Thread thread = new Thread(delegate() { throw new InvalidOperationException("elsewhere"); });
            thread.Start();
            thread.Join();
            return "";
        }

        public async void AsyncVoid()
        {
            await Task.Delay(1);
        }

        public string ThreeParameters(string a, string b, string c)
        {
            return "";
        }

        public string WrongSecond(string a, string b)
        {
            return "";
        }

        public T Generic<T>(T value)
        {
            return value;
        }
    }

    public class FailsInConstructor
    {
        public FailsInConstructor()
        {
            throw new ArgumentException("in the constructor");
        }

        public void Run()
        {
        }
    }

    public static class FailsInStatic
    {
        static readonly int number = int.Parse("none");

        public static int Run()
        {
            return number;
        }
    }

    public abstract class Abstract
    {
        public string Run()
        {
            return "";
        }
    }
}
