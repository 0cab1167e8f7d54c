using System;
using System.IO;
using System.Runtime.InteropServices;

namespace Brume.Lambda
{
    /// <summary>
    /// An inherited file descriptor, read and written by system calls: the file streams of Mono take no sockets, and those of
    /// .NET first ask what they are given. The end of what is behind it ends the process: nobody is left to work for.
    /// </summary>
    public sealed class Descriptor
    {
        const int SetDescriptorFlags = 2;
        const int CloseOnExec = 1;
        const int Interrupted = 4;

        public static readonly Descriptor StandardOutput = new Descriptor(1);
        public static readonly Descriptor Connection = new Descriptor(3);

        readonly int number;

        Descriptor(int number)
        {
            this.number = number;
            // What the function starts must not hold, or read from, the connection.
            if (number > 2) fcntl(number, SetDescriptorFlags, CloseOnExec);
        }

        public unsafe int Read(byte[] buffer, int offset, int count)
        {
            fixed (byte* start = &buffer[offset])
            {
                while (true)
                {
                    int got = (int)read(number, start, (IntPtr)count);
                    if (got > 0) return got;
                    if (got == 0 || Marshal.GetLastWin32Error() != Interrupted) Environment.Exit(0);
                }
            }
        }

        public unsafe void Write(byte[] bytes, int count)
        {
            if (count == 0) return;
            fixed (byte* start = &bytes[0])
            {
                for (int written = 0; written < count;)
                {
                    int now = (int)write(number, start + written, (IntPtr)(count - written));
                    if (now >= 0) written += now;
                    else if (Marshal.GetLastWin32Error() != Interrupted) Environment.Exit(0);
                }
            }
        }

        [DllImport("libc", SetLastError = true)]
        static extern unsafe IntPtr read(int descriptor, byte* buffer, IntPtr count);

        [DllImport("libc", SetLastError = true)]
        static extern unsafe IntPtr write(int descriptor, byte* buffer, IntPtr count);

        [DllImport("libc")]
        static extern int fcntl(int descriptor, int command, int argument);
    }
}
