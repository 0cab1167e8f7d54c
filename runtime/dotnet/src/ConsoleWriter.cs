using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading.Tasks;

namespace Brume.Lambda
{
    /// <summary>Console.Out or Console.Error: each line that is written as one becomes a log event.</summary>
    sealed class ConsoleWriter : TextWriter
    {
        readonly FunctionLog log;
        readonly LogLevel level;

        public ConsoleWriter(FunctionLog log, LogLevel level) : base(CultureInfo.CurrentCulture)
        {
            this.log = log;
            this.level = level;
        }

        public override Encoding Encoding
        {
            get { return Encoding.UTF8; }
        }

        public override void Write(char value)
        {
            log.WriteRaw(value.ToString());
        }

        public override void Write(char[] buffer, int index, int count)
        {
            log.WriteRaw(new string(buffer, index, count));
        }

        public override void Write(string value)
        {
            if (!string.IsNullOrEmpty(value)) log.WriteRaw(value);
        }

        public override void WriteLine()
        {
            Line("");
        }

        public override void WriteLine(string value)
        {
            Line(value ?? "");
        }

        public override void WriteLine(object value)
        {
            Line(value == null ? "" : value.ToString() ?? "");
        }

        public override void WriteLine(char[] buffer)
        {
            Line(buffer == null ? "" : new string(buffer));
        }

        public override void WriteLine(char[] buffer, int index, int count)
        {
            Line(new string(buffer, index, count));
        }

        public override void WriteLine(bool value) { Line(value.ToString(FormatProvider)); }
        public override void WriteLine(char value) { Line(value.ToString()); }
        public override void WriteLine(int value) { Line(value.ToString(FormatProvider)); }
        public override void WriteLine(uint value) { Line(value.ToString(FormatProvider)); }
        public override void WriteLine(long value) { Line(value.ToString(FormatProvider)); }
        public override void WriteLine(ulong value) { Line(value.ToString(FormatProvider)); }
        public override void WriteLine(float value) { Line(value.ToString(FormatProvider)); }
        public override void WriteLine(double value) { Line(value.ToString(FormatProvider)); }
        public override void WriteLine(decimal value) { Line(value.ToString(FormatProvider)); }

        public override Task WriteAsync(char value)
        {
            Write(value);
            return Done;
        }

        public override Task WriteAsync(string value)
        {
            Write(value);
            return Done;
        }

        public override Task WriteAsync(char[] buffer, int index, int count)
        {
            Write(buffer, index, count);
            return Done;
        }

        public override Task WriteLineAsync()
        {
            Line("");
            return Done;
        }

        public override Task WriteLineAsync(char value)
        {
            WriteLine(value);
            return Done;
        }

        public override Task WriteLineAsync(string value)
        {
            WriteLine(value);
            return Done;
        }

        public override Task WriteLineAsync(char[] buffer, int index, int count)
        {
            WriteLine(buffer, index, count);
            return Done;
        }

        static Task Done
        {
            get { return Task.FromResult(0); }
        }

        void Line(string text)
        {
            log.Write(level, null, text, null);
        }
    }
}
