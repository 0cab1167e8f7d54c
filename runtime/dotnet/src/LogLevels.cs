using System;

namespace Brume.Lambda
{
    /// <summary>As Amazon.Lambda.Core has them.</summary>
    public enum LogLevel { Trace, Debug, Information, Warning, Error, Critical }

    static class LogLevels
    {
        /// <summary>As Microsoft's console logger writes them.</summary>
        static readonly string[] Labels = { "trce", "dbug", "info", "warn", "fail", "crit" };
        /// <summary>As Lambda's settings name them; null where .NET has the same.</summary>
        static readonly string[] OtherNames = { null, null, "info", "warn", null, "fatal" };

        public static string Label(LogLevel level)
        {
            return Labels[(int)level];
        }

        /// <summary>By its name, whatever its case; null when there is none of this name.</summary>
        public static LogLevel? Parse(string name)
        {
            for (int i = 0; i < Labels.Length; i++)
            {
                LogLevel level = (LogLevel)i;
                if (string.Equals(name, level.ToString(), StringComparison.OrdinalIgnoreCase)) return level;
                if (string.Equals(name, OtherNames[i], StringComparison.OrdinalIgnoreCase)) return level;
            }
            return null;
        }
    }
}
