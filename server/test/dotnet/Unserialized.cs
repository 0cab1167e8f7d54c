// A function without a serializer.

using System.IO;

namespace Example
{
    public class Unserialized
    {
        public Stream Streams(Stream input)
        {
            return input;
        }

        public string Text(string text)
        {
            return text;
        }

        public string Result()
        {
            return "";
        }
    }
}
