using System;
using System.Reflection;

namespace Brume.Lambda
{
    /// <summary>Tells the collector how much memory the function has, where it can be told: .NET 8 and newer.</summary>
    static class MemoryLimit
    {
        const ulong Megabyte = 1024 * 1024;

        public static void Tell(int memoryMb)
        {
            MethodInfo refresh = typeof(GC).GetMethod("RefreshMemoryLimit", Type.EmptyTypes);
            Type context = typeof(object).Assembly.GetType("System.AppContext");
            MethodInfo set = context == null ? null : context.GetMethod("SetData", new[] { typeof(string), typeof(object) });
            if (memoryMb <= 0 || refresh == null || set == null) return;
            try
            {
                set.Invoke(null, new object[] { "GCHeapHardLimit", (ulong)memoryMb * Megabyte });
                refresh.Invoke(null, null);
            }
            catch (TargetInvocationException)
            {
                // The package's own settings allow less.
            }
        }
    }
}
