using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Brume.Lambda
{
    /// <summary>Reads what callers say of themselves. Numbers, true and false are kept as they are written.</summary>
    sealed class JsonReader
    {
        const int DeepestNesting = 64;

        readonly string text;
        int at;
        int depth;

        JsonReader(string text)
        {
            this.text = text;
        }

        /// <summary>Without fields where the text is missing or is no object.</summary>
        public static Dictionary<string, object> ReadObject(string text)
        {
            try
            {
                object value = string.IsNullOrEmpty(text) ? null : new JsonReader(text).Value();
                return value as Dictionary<string, object> ?? new Dictionary<string, object>();
            }
            catch (FormatException)
            {
                return new Dictionary<string, object>();
            }
        }

        public static object Field(Dictionary<string, object> fields, string name)
        {
            object value;
            return fields.TryGetValue(name, out value) ? value : null;
        }

        public static string TextOf(Dictionary<string, object> fields, string name)
        {
            object value = Field(fields, name);
            return value == null ? null : value.ToString();
        }

        object Value()
        {
            if (depth > DeepestNesting) throw new FormatException();
            char first = Peek();
            if (first == '{') return Object();
            if (first == '[') return List();
            if (first == '"') return Text();
            int start = at;
            while (at < text.Length && ",]} \t\r\n".IndexOf(text[at]) < 0) at++;
            if (at == start) throw new FormatException();
            string word = text.Substring(start, at - start);
            return word == "null" ? null : word;
        }

        Dictionary<string, object> Object()
        {
            Dictionary<string, object> fields = new Dictionary<string, object>();
            depth++;
            at++;
            for (bool isFirst = true; Peek() != '}'; isFirst = false)
            {
                if (!isFirst) Expect(',');
                if (Peek() != '"') throw new FormatException();
                string name = Text();
                Expect(':');
                fields[name] = Value();
            }
            at++;
            depth--;
            return fields;
        }

        List<object> List()
        {
            List<object> items = new List<object>();
            depth++;
            at++;
            for (bool isFirst = true; Peek() != ']'; isFirst = false)
            {
                if (!isFirst) Expect(',');
                items.Add(Value());
            }
            at++;
            depth--;
            return items;
        }

        string Text()
        {
            StringBuilder value = new StringBuilder();
            for (at++; ; at++)
            {
                char c = Here();
                if (c == '"') break;
                if (c != '\\')
                {
                    value.Append(c);
                    continue;
                }
                at++;
                int simple = "\"\\/bfnrt".IndexOf(Here());
                if (simple >= 0) value.Append("\"\\/\b\f\n\r\t"[simple]);
                else if (text[at] == 'u' && at + 4 < text.Length)
                {
                    value.Append((char)int.Parse(text.Substring(at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                    at += 4;
                }
                else throw new FormatException();
            }
            at++;
            return value.ToString();
        }

        char Here()
        {
            if (at >= text.Length) throw new FormatException();
            return text[at];
        }

        /// <summary>The next character that is no space.</summary>
        char Peek()
        {
            while (at < text.Length && " \t\r\n".IndexOf(text[at]) >= 0) at++;
            return Here();
        }

        void Expect(char wanted)
        {
            if (Peek() != wanted) throw new FormatException();
            at++;
        }
    }
}
