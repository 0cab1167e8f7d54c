using System;
using System.Globalization;
using System.Text;

namespace Brume.Lambda
{
    /// <summary>
    /// Writes one frame per message to standard output: mark, length, microseconds, text. A frame is one log event.
    /// https://docs.aws.amazon.com/lambda/latest/dg/csharp-logging.html
    /// </summary>
    public sealed class FunctionLog
    {
        const uint FrameMark = 0xa55a0003;
        /// <summary>With the format JSON the mark names the level as well, above the two bits for the format.</summary>
        const uint JsonFrameMark = 0xa55a0002;
        const int HeadBytes = 16;
        const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
        static readonly DateTime Epoch = new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

        readonly object writing = new object();
        readonly Descriptor output;
        readonly bool isJson;
        readonly bool isUnformatted;
        readonly LogLevel lowest;

        public string RequestId = "";
        public string TraceId;

        public FunctionLog(Settings settings, Descriptor output)
        {
            this.output = output;
            isJson = settings.LogFormat == "json";
            isUnformatted = settings.LogFormat == "unformatted";
            lowest = settings.LowestLevel;
        }

        /// <summary>
        /// A level that is none of AWS's is written as it is; null is none. The template's `{names}` stand for the arguments, in order.
        /// </summary>
        public void Write(string level, Exception error, string template, object[] arguments)
        {
            LogLevel? known = level == null ? null : LogLevels.Parse(level);
            if (known != null) Write(known.Value, error, template, arguments);
            else WriteAs(null, level, error, template, arguments);
        }

        public void Write(LogLevel level, Exception error, string template, object[] arguments)
        {
            if (level >= lowest) WriteAs(level, LogLevels.Label(level), error, template, arguments);
        }

        /// <summary>What the function writes without ending the line.</summary>
        public void WriteRaw(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            lock (writing) output.Write(bytes, bytes.Length);
        }

        void WriteAs(LogLevel? level, string label, Exception error, string template, object[] arguments)
        {
            DateTime now = DateTime.UtcNow;
            MessageTemplate message = arguments == null || arguments.Length == 0 ? null : new MessageTemplate(template ?? "", arguments);
            string text = message == null ? template : message.Text();
            string line = isJson ? JsonLine(now, level, text, message, error) : TextLine(now, label, text, error);
            uint mark = isJson ? JsonFrameMark | ((uint)(level ?? LogLevel.Information) + 1) << 2 : FrameMark;
            WriteFrame(mark, Encoding.UTF8.GetBytes(line), (now - Epoch).Ticks / 10);
        }

        string TextLine(DateTime now, string label, string text, Exception error)
        {
            StringBuilder line = new StringBuilder();
            if (!isUnformatted)
            {
                line.Append(now.ToString(TimeFormat, CultureInfo.InvariantCulture)).Append('\t').Append(RequestId).Append('\t');
                if (!string.IsNullOrEmpty(label)) line.Append(label).Append('\t');
            }
            line.Append(text);
            if (error != null)
            {
                if (!string.IsNullOrEmpty(text)) line.Append('\n');
                line.Append(error.ToString());
            }
            return line.Append('\n').ToString();
        }

        string JsonLine(DateTime now, LogLevel? level, string text, MessageTemplate message, Exception error)
        {
            JsonText json = new JsonText(true).Open('{');
            json.Name("timestamp").Text(now.ToString(TimeFormat, CultureInfo.InvariantCulture));
            json.Name("level").Text((level ?? LogLevel.Information).ToString());
            if (!string.IsNullOrEmpty(RequestId)) json.Name("requestId").Text(RequestId);
            if (!string.IsNullOrEmpty(TraceId)) json.Name("traceId").Text(TraceId);
            json.Name("message").Text(text);
            if (message != null) message.WriteProperties(json);
            if (error != null)
            {
                json.Name("errorType").Text(error.GetType().FullName);
                json.Name("errorMessage").Text(error.Message);
                json.Name("stackTrace").Open('[');
                foreach (string one in error.ToString().Split('\n')) json.Item().Text(one.Trim());
                json.Close(']');
            }
            return json.Close('}') + "\n";
        }

        void WriteFrame(uint mark, byte[] text, long micros)
        {
            byte[] frame = new byte[HeadBytes + text.Length];
            Put(frame, 0, mark);
            Put(frame, 4, (uint)text.Length);
            Put(frame, 8, (uint)(micros >> 32));
            Put(frame, 12, (uint)micros);
            Buffer.BlockCopy(text, 0, frame, HeadBytes, text.Length);
            lock (writing) output.Write(frame, frame.Length);
        }

        static void Put(byte[] bytes, int at, uint value)
        {
            bytes[at] = (byte)(value >> 24);
            bytes[at + 1] = (byte)(value >> 16);
            bytes[at + 2] = (byte)(value >> 8);
            bytes[at + 3] = (byte)value;
        }
    }
}
