using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Brume.Lambda
{
    /// <summary>
    /// A message with places for arguments: `Bought {count} of {product}`, or by their numbers, `{0}`, each with a format after a colon.
    /// https://docs.aws.amazon.com/lambda/latest/dg/csharp-logging.html#csharp-logging-advanced-JSON
    /// </summary>
    sealed class MessageTemplate
    {
        const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
        const int MostBytesShown = 16;

        sealed class Place
        {
            public string Token;
            public string Name;
            public string Format;
            public object Value;
            public bool HasValue;
        }

        readonly StringBuilder text = new StringBuilder();
        readonly List<Place> places = new List<Place>();

        public MessageTemplate(string template, object[] arguments)
        {
            List<int> starts = new List<int>();
            string plain = Scan(template, starts);
            GiveValues(arguments);
            int from = 0;
            for (int i = 0; i < places.Count; i++)
            {
                text.Append(plain, from, starts[i] - from).Append(Shown(places[i]));
                from = starts[i];
            }
            text.Append(plain, from, plain.Length - from);
        }

        public string Text()
        {
            return text.ToString();
        }

        public void WriteProperties(JsonText json)
        {
            foreach (Place place in places)
            {
                if (!place.HasValue || place.Value == null) continue;
                json.Name(place.Name);
                IDictionary map = place.Value as IDictionary;
                IList list = place.Value is byte[] ? null : place.Value as IList;
                if (map != null)
                {
                    json.Open('{');
                    foreach (DictionaryEntry entry in map)
                    {
                        json.Name(Convert.ToString(entry.Key, CultureInfo.InvariantCulture));
                        WriteValue(json, entry.Value, place.Format);
                    }
                    json.Close('}');
                }
                else if (list != null)
                {
                    json.Open('[');
                    foreach (object one in list)
                    {
                        json.Item();
                        WriteValue(json, one, place.Format);
                    }
                    json.Close(']');
                }
                else WriteValue(json, place.Value, place.Format);
            }
        }

        /// <summary>The text without the places, and where in it they were. A doubled brace is one.</summary>
        string Scan(string template, List<int> starts)
        {
            StringBuilder plain = new StringBuilder();
            for (int i = 0; i < template.Length; i++)
            {
                char c = template[i];
                bool isDoubled = i + 1 < template.Length && template[i + 1] == c;
                int end = c == '{' && !isDoubled ? template.IndexOf('}', i) : -1;
                if (end > i + 1)
                {
                    places.Add(PlaceOf(template.Substring(i, end - i + 1)));
                    starts.Add(plain.Length);
                    i = end;
                    continue;
                }
                if ((c == '{' || c == '}') && isDoubled) i++;
                plain.Append(c);
            }
            return plain.ToString();
        }

        static Place PlaceOf(string token)
        {
            // `@` asks for the value as JSON, which takes a serializer that only the function's own version of .NET may have.
            string inner = token.Substring(1, token.Length - 2).TrimStart('@');
            int colon = inner.IndexOf(':');
            return new Place
            {
                Token = token,
                Name = (colon < 0 ? inner : inner.Substring(0, colon)).Trim(),
                Format = colon < 0 ? "" : inner.Substring(colon + 1).Trim(),
            };
        }

        void GiveValues(object[] arguments)
        {
            int[] positions = Positions();
            for (int i = 0; i < places.Count; i++)
            {
                int index = positions == null ? i : positions[i];
                places[i].HasValue = index < arguments.Length;
                if (places[i].HasValue) places[i].Value = arguments[index];
            }
        }

        /// <summary>Where all places have numbers, from 0 on and without a gap; otherwise null.</summary>
        int[] Positions()
        {
            int[] positions = new int[places.Count];
            int highest = -1;
            for (int i = 0; i < positions.Length; i++)
            {
                if (!int.TryParse(places[i].Name, NumberStyles.Integer, CultureInfo.InvariantCulture, out positions[i])) return null;
                highest = Math.Max(highest, positions[i]);
            }
            for (int wanted = 0; wanted <= highest; wanted++)
            {
                if (Array.IndexOf(positions, wanted) < 0) return null;
            }
            return positions;
        }

        static string Shown(Place place)
        {
            object value = place.Value;
            if (value is byte[]) return Hexadecimal((byte[])value);
            if (value == null || value is IList || value is IDictionary) return place.Token;
            if (place.Format != "") return Formatted(value, place.Format);
            return TimeOrNull(value) ?? value.ToString();
        }

        static void WriteValue(JsonText json, object value, string format)
        {
            if (value == null) json.Raw("null");
            else if (format != "") json.Text(Formatted(value, format));
            else if (value is bool) json.Raw((bool)value ? "true" : "false");
            else if (value is double && !IsFinite((double)value) || value is float && !IsFinite((float)value)) json.Text(value.ToString());
            else if (value is double) json.Raw(((double)value).ToString("R", CultureInfo.InvariantCulture));
            else if (value is float) json.Raw(((float)value).ToString("R", CultureInfo.InvariantCulture));
            else if (value is decimal || (value.GetType().IsPrimitive && !(value is char || value is IntPtr || value is UIntPtr)))
            {
                json.Raw(Convert.ToString(value, CultureInfo.InvariantCulture));
            }
            else if (value is byte[]) json.Text(Hexadecimal((byte[])value));
            else json.Text(TimeOrNull(value) ?? Convert.ToString(value, CultureInfo.InvariantCulture));
        }

        static bool IsFinite(double value)
        {
            return !double.IsNaN(value) && !double.IsInfinity(value);
        }

        static string Formatted(object value, string format)
        {
            try
            {
                return string.Format("{0:" + format + "}", value);
            }
            catch (FormatException)
            {
                return value.ToString();
            }
        }

        static string TimeOrNull(object value)
        {
            if (value is DateTime) return ((DateTime)value).ToString(TimeFormat, CultureInfo.InvariantCulture);
            if (value is DateTimeOffset) return ((DateTimeOffset)value).ToString(TimeFormat, CultureInfo.InvariantCulture);
            return null;
        }

        static string Hexadecimal(byte[] bytes)
        {
            StringBuilder shown = new StringBuilder();
            for (int i = 0; i < bytes.Length && i < MostBytesShown; i++) shown.Append(bytes[i].ToString("X2", CultureInfo.InvariantCulture));
            if (bytes.Length > MostBytesShown) shown.Append("... (").Append(bytes.Length).Append(" bytes)");
            return shown.ToString();
        }
    }
}
