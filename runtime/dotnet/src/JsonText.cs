using System.Globalization;
using System.Text;

namespace Brume.Lambda
{
    /// <summary>JSON as it is written.</summary>
    sealed class JsonText
    {
        readonly StringBuilder text = new StringBuilder();
        /// <summary>Escapes as System.Text.Json does, by which AWS's runtime writes its log.</summary>
        readonly bool asciiOnly;
        bool isFirst = true;

        public JsonText(bool asciiOnly)
        {
            this.asciiOnly = asciiOnly;
        }

        public JsonText Open(char bracket)
        {
            text.Append(bracket);
            isFirst = true;
            return this;
        }

        public JsonText Close(char bracket)
        {
            text.Append(bracket);
            isFirst = false;
            return this;
        }

        /// <summary>Before each value of an array.</summary>
        public JsonText Item()
        {
            if (!isFirst) text.Append(',');
            isFirst = false;
            return this;
        }

        public JsonText Name(string name)
        {
            Item().Text(name);
            text.Append(':');
            return this;
        }

        /// <summary>A number, true, false or null.</summary>
        public void Raw(string value)
        {
            text.Append(value);
        }

        public void Text(string value)
        {
            if (value == null)
            {
                text.Append("null");
                return;
            }
            text.Append('"');
            foreach (char c in value) Append(c);
            text.Append('"');
        }

        public override string ToString()
        {
            return text.ToString();
        }

        void Append(char c)
        {
            if (c == '\\') text.Append("\\\\");
            else if (c == '\n') text.Append("\\n");
            else if (c == '\r') text.Append("\\r");
            else if (c == '\t') text.Append("\\t");
            else if (c == '\b') text.Append("\\b");
            else if (c == '\f') text.Append("\\f");
            else if (c == '"' && !asciiOnly) text.Append("\\\"");
            // Half a pair, which UTF-8 cannot hold, is kept as an escape too.
            else if (c < ' ' || char.IsSurrogate(c) || (asciiOnly && (c > '~' || "\"&'+<>`".IndexOf(c) >= 0)))
            {
                text.Append("\\u").Append(((int)c).ToString("X4", CultureInfo.InvariantCulture));
            }
            else text.Append(c);
        }
    }
}
