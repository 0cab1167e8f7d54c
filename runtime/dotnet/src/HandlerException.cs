using System;

namespace Brume.Lambda
{
    /// <summary>Carries what the function threw past the reflection by which it was called.</summary>
    sealed class HandlerException : Exception
    {
        public HandlerException(Exception thrown) : base("", thrown)
        {
        }
    }
}
