// A library that the tests' functions depend on, as they do on AWS's serializers: texts, numbers, lists, maps of texts, and
// classes by their fields.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Text;
using Amazon.Lambda.Core;

namespace Serialization
{
    public class JsonException : Exception
    {
        public JsonException(string message) : base(message)
        {
        }
    }

    public class JsonSerializer : ILambdaSerializer
    {
        string text;
        int at;

        public T Deserialize<T>(Stream requestStream)
        {
            text = new StreamReader(requestStream).ReadToEnd();
            at = 0;
            return (T)Read(typeof(T));
        }

        public void Serialize<T>(T response, Stream responseStream)
        {
            StringBuilder json = new StringBuilder();
            Write(json, response);
            byte[] bytes = Encoding.UTF8.GetBytes(json.ToString());
            responseStream.Write(bytes, 0, bytes.Length);
        }

        object Read(Type type)
        {
            if (type == typeof(string)) return ReadText();
            if (type == typeof(int)) return ReadNumber();
            object value = Activator.CreateInstance(type);
            IList list = value as IList;
            Expect(list == null ? '{' : '[');
            while (text[at] != '}' && text[at] != ']')
            {
                if (text[at] == ',') at++;
                if (list != null) list.Add(Read(type.GetGenericArguments()[0]));
                else
                {
                    FieldInfo field = type.GetField(ReadText());
                    Expect(':');
                    field.SetValue(value, Read(field.FieldType));
                }
            }
            at++;
            return value;
        }

        string ReadText()
        {
            Expect('"');
            int end = text.IndexOf('"', at);
            string value = text.Substring(at, end - at);
            at = end + 1;
            return value;
        }

        int ReadNumber()
        {
            int start = at;
            while (at < text.Length && (char.IsDigit(text[at]) || text[at] == '-')) at++;
            if (at == start) throw new JsonException("No number at " + at + ".");
            return int.Parse(text.Substring(start, at - start), CultureInfo.InvariantCulture);
        }

        void Expect(char wanted)
        {
            if (text[at++] != wanted) throw new JsonException("No " + wanted + " at " + (at - 1) + ".");
        }

        static void Write(StringBuilder json, object value)
        {
            IDictionary map = value as IDictionary;
            IList list = value as IList;
            if (value == null) json.Append("null");
            else if (value is string) WriteText(json, (string)value);
            else if (value is int) json.Append(((int)value).ToString(CultureInfo.InvariantCulture));
            else if (map != null)
            {
                foreach (DictionaryEntry entry in map) WriteField(json, (string)entry.Key, entry.Value);
                json.Append(map.Count == 0 ? "{}" : "}");
            }
            else if (list != null)
            {
                json.Append('[');
                for (int i = 0; i < list.Count; i++)
                {
                    if (i > 0) json.Append(',');
                    Write(json, list[i]);
                }
                json.Append(']');
            }
            else
            {
                foreach (FieldInfo field in value.GetType().GetFields()) WriteField(json, field.Name, field.GetValue(value));
                json.Append('}');
            }
        }

        static void WriteField(StringBuilder json, string name, object value)
        {
            json.Append(json.Length == 0 || json[json.Length - 1] == ':' || json[json.Length - 1] == '[' ? '{' : ',');
            WriteText(json, name);
            json.Append(':');
            Write(json, value);
        }

        static void WriteText(StringBuilder json, string text)
        {
            json.Append('"').Append(text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")).Append('"');
        }
    }

    /// <summary>Text as it is.</summary>
    public class RawSerializer : ILambdaSerializer
    {
        public T Deserialize<T>(Stream requestStream)
        {
            return (T)(object)new StreamReader(requestStream).ReadToEnd();
        }

        public void Serialize<T>(T response, Stream responseStream)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(response.ToString());
            responseStream.Write(bytes, 0, bytes.Length);
        }
    }
}
