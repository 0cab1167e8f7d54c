using System;

namespace Brume.Lambda
{
    /// <summary>What the function's author has to set right, in AWS's words.</summary>
    public sealed class LambdaValidationException : Exception
    {
        public LambdaValidationException(string message) : base(message)
        {
        }
    }
}
