// Does what the event says; see lambda-every-runtime.test.ts.

using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;

namespace Example
{
    public class Contract
    {
        int count;

        public Stream Run(Stream input)
        {
            count++;
            string text = new StreamReader(input).ReadToEnd();
            Match asked = Regex.Match(text, "^\\{\"do\":\"(\\w+)\"(?:,\"n\":(\\d+))?");
            int n = asked.Groups[2].Success ? int.Parse(asked.Groups[2].Value) : 0;
            switch (asked.Groups[1].Value)
            {
                case "echo":
                    return Json(text);
                case "make":
                    return Json("\"" + new string('x', n) + "\"");
                case "throw":
                    throw new InvalidOperationException("v");
                case "exit":
                    Environment.Exit(n);
                    break;
                case "signal":
                    Process.Start("/bin/kill", "-9 " + Process.GetCurrentProcess().Id).WaitForExit();
                    break;
                case "sleep":
                    Console.WriteLine("before");
                    Thread.Sleep(n);
                    Console.WriteLine("after");
                    break;
                case "bytes":
                    byte[] bytes = { 0xff, 0xfe, (byte)' ', (byte)'o', (byte)'k', (byte)'\n', 0, (byte)'e', (byte)'n', (byte)'d' };
                    using (Stream output = Console.OpenStandardOutput()) output.Write(bytes, 0, bytes.Length);
                    break;
                case "leave":
                    Process.Start("/bin/sleep", "300");
                    break;
            }
            return Json(count.ToString());
        }

        static Stream Json(string text)
        {
            return new MemoryStream(Encoding.UTF8.GetBytes(text));
        }
    }
}
