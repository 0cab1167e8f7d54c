// A program that speaks the Runtime API by itself, as those with Amazon.Lambda.RuntimeSupport do.

using System;
using System.IO;
using System.Net;
using System.Text;

namespace Example
{
    static class Executable
    {
        static void Main()
        {
            string api = "http://" + Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
            for (int count = 1; ; count++)
            {
                HttpWebResponse next = (HttpWebResponse)WebRequest.Create(api + "next").GetResponse();
                string text = new StreamReader(next.GetResponseStream()).ReadToEnd();
                Console.WriteLine("event " + count);
                WebRequest answer = WebRequest.Create(api + next.Headers["Lambda-Runtime-Aws-Request-Id"] + "/response");
                answer.Method = "POST";
                byte[] body = Encoding.UTF8.GetBytes("[" + count + "," + text + "]");
                using (Stream output = answer.GetRequestStream()) output.Write(body, 0, body.Length);
                answer.GetResponse().Close();
            }
        }
    }
}
