using System;

namespace Brume.Lambda
{
    /// <summary>The handler's three names: `Assembly::Namespace.Class::Method`.</summary>
    sealed class HandlerText
    {
        public readonly string Assembly;
        public readonly string Type;
        public readonly string Method;

        public HandlerText(string text)
        {
            if (string.IsNullOrEmpty(text)) throw new LambdaValidationException("Empty lambda function handler. " + Format);
            string[] parts = text.Split(new[] { "::" }, 3, StringSplitOptions.None);
            if (parts.Length != 3) throw new LambdaValidationException("Invalid lambda function handler: '" + text + "'. " + Format);
            Assembly = Part(text, parts[0], "assembly");
            Type = Part(text, parts[1], "type");
            Method = Part(text, parts[2], "method");
        }

        const string Format = "The valid format is 'ASSEMBLY::TYPE::METHOD'.";

        static string Part(string text, string part, string name)
        {
            if (part.Trim() != "") return part.Trim();
            throw new LambdaValidationException("Invalid lambda function handler: '" + text + "', the " + name + " is missing. " + Format);
        }
    }
}
