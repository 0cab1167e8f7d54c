using System;
using System.Collections.Generic;
using System.Text;

namespace Brume.Lambda
{
    public sealed class Event
    {
        readonly Dictionary<string, string> headers;
        public readonly byte[] Body;

        public Event(Dictionary<string, string> headers, byte[] body)
        {
            this.headers = headers;
            Body = body;
        }

        /// <summary>By its name in lower case; null where there is none.</summary>
        public string Header(string name)
        {
            string value;
            return headers.TryGetValue(name, out value) ? value : null;
        }
    }

    /// <summary>The connection to the server, and the messages on it. A result and the request for the next event leave in one write.</summary>
    sealed class RuntimeApi
    {
        const string Prefix = "/2018-06-01/runtime/";
        const int ReadSize = 65536;
        static readonly byte[] NextRequest = Encoding.ASCII.GetBytes("GET " + Prefix + "invocation/next HTTP/1.1\r\n\r\n");

        readonly Descriptor connection;
        byte[] buffer = new byte[ReadSize];
        int start;
        int end;

        public RuntimeApi(Descriptor connection)
        {
            this.connection = connection;
        }

        /// <summary>Tells the outcome of the last event, empty before the first, and waits for the next.</summary>
        public Event Next(byte[] outcome)
        {
            byte[] request = new byte[outcome.Length + NextRequest.Length];
            Buffer.BlockCopy(outcome, 0, request, 0, outcome.Length);
            Buffer.BlockCopy(NextRequest, 0, request, outcome.Length, NextRequest.Length);
            connection.Write(request, request.Length);
            while (true)
            {
                Event message = Receive();
                // The others acknowledge what was posted.
                if (message.Header("lambda-runtime-aws-request-id") != null) return message;
            }
        }

        public void Post(string path, byte[] body, string errorType)
        {
            byte[] request = Request(path, body, errorType);
            connection.Write(request, request.Length);
        }

        public static byte[] Request(string path, byte[] body, string errorType)
        {
            string head = "POST " + Prefix + path + " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: " + body.Length.ToString() + "\r\n"
                + (errorType == null ? "" : "Lambda-Runtime-Function-Error-Type: " + errorType + "\r\n") + "\r\n";
            byte[] headBytes = Encoding.UTF8.GetBytes(head);
            byte[] request = new byte[headBytes.Length + body.Length];
            Buffer.BlockCopy(headBytes, 0, request, 0, headBytes.Length);
            Buffer.BlockCopy(body, 0, request, headBytes.Length, body.Length);
            return request;
        }

        Event Receive()
        {
            int searchedTo = start;
            int headEnd = HeadEnd(searchedTo);
            while (headEnd < 0)
            {
                searchedTo = Math.Max(start, end - 3);
                if (end == buffer.Length) searchedTo -= MakeRoom();
                end += connection.Read(buffer, end, buffer.Length - end);
                headEnd = HeadEnd(searchedTo);
            }
            Dictionary<string, string> headers = Headers(Encoding.UTF8.GetString(buffer, start, headEnd - start));
            start = headEnd + 4;
            string length;
            byte[] body = new byte[headers.TryGetValue("content-length", out length) ? int.Parse(length) : 0];
            int filled = Math.Min(body.Length, end - start);
            Buffer.BlockCopy(buffer, start, body, 0, filled);
            start += filled;
            while (filled < body.Length) filled += connection.Read(body, filled, body.Length - filled);
            if (start == end)
            {
                start = 0;
                end = 0;
            }
            return new Event(headers, body);
        }

        /// <summary>By how much what is there was moved.</summary>
        int MakeRoom()
        {
            int shift = start;
            byte[] target = shift == 0 ? new byte[buffer.Length * 2] : buffer;
            Buffer.BlockCopy(buffer, shift, target, 0, end - shift);
            buffer = target;
            end -= shift;
            start = 0;
            return shift;
        }

        int HeadEnd(int from)
        {
            for (int i = from; i + 3 < end; i++)
            {
                if (buffer[i] == '\r' && buffer[i + 1] == '\n' && buffer[i + 2] == '\r' && buffer[i + 3] == '\n') return i;
            }
            return -1;
        }

        static Dictionary<string, string> Headers(string head)
        {
            Dictionary<string, string> headers = new Dictionary<string, string>();
            foreach (string line in head.Split('\n'))
            {
                int colon = line.IndexOf(':');
                if (colon > 0) headers[line.Substring(0, colon).ToLowerInvariant()] = line.Substring(colon + 1).Trim();
            }
            return headers;
        }
    }
}
