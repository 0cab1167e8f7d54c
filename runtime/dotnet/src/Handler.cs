using System;
using System.IO;
using System.Reflection;
using System.Threading.Tasks;

namespace Brume.Lambda
{
    /// <summary>The function's method with what its parameters and its result need.</summary>
    sealed class Handler
    {
        readonly MethodInfo method;
        readonly object target;
        /// <summary>Null where the method takes no event.</summary>
        readonly Type inputType;
        /// <summary>ILambdaContext of the package; null where the method takes none.</summary>
        public readonly Type ContextType;
        readonly bool isTask;
        /// <summary>Of a Task&lt;T&gt;.</summary>
        readonly PropertyInfo taskResult;
        /// <summary>Null where there is no result.</summary>
        readonly Type outputType;
        readonly MethodInfo deserialize;
        readonly MethodInfo serialize;

        public readonly object Serializer;

        public Handler(HandlerText names, MethodInfo method, object target, object serializer)
        {
            this.method = method;
            this.target = target;
            Serializer = serializer;
            ParameterInfo[] parameters = method.GetParameters();
            if (parameters.Length > 2)
            {
                throw HandlerLoader.Wrong("Method '{0}' of type '{1}' is not supported: the method has more than 2 parameters.", method.Name, names.Type);
            }
            if (parameters.Length > 0 && IsContext(parameters[parameters.Length - 1])) ContextType = parameters[parameters.Length - 1].ParameterType;
            if (parameters.Length == 2 && ContextType == null)
            {
                throw HandlerLoader.Wrong("Method '{0}' of type '{1}' is not supported: the method has 2 parameters, but the second parameter is not of type '{2}'.", method.Name, names.Type, AmazonLambdaCore.Context);
            }
            if (parameters.Length == 2 || (parameters.Length == 1 && ContextType == null)) inputType = parameters[0].ParameterType;

            Type returned = method.ReturnType;
            isTask = typeof(Task).IsAssignableFrom(returned);
            Type taskOfResult = TaskOfResult(returned);
            if (taskOfResult != null) taskResult = taskOfResult.GetProperty("Result");
            outputType = isTask ? (taskResult == null ? null : taskResult.PropertyType) : returned == typeof(void) ? null : returned;

            if (inputType != null && inputType != typeof(Stream))
            {
                deserialize = SerializerMethod("Deserialize", inputType, "deserialize input", names);
            }
            if (outputType != null && !typeof(Stream).IsAssignableFrom(outputType))
            {
                serialize = SerializerMethod("Serialize", outputType, "serialize output", names);
            }
        }

        /// <summary>What the function throws comes as a HandlerException.</summary>
        public void Invoke(Stream input, InvocationState state, Stream output)
        {
            object[] arguments = new object[(inputType == null ? 0 : 1) + (ContextType == null ? 0 : 1)];
            if (inputType != null) arguments[0] = deserialize == null ? input : Call(deserialize, Serializer, new object[] { input });
            if (ContextType != null) arguments[arguments.Length - 1] = Implementation.Of(ContextType, state);
            object result = Call(method, target, arguments);
            if (isTask) result = ResultOf((Task)result);
            if (serialize != null) Call(serialize, Serializer, new object[] { result, output });
            else if (outputType != null) ((Stream)result).CopyTo(output);
        }

        object ResultOf(Task task)
        {
            task.GetAwaiter().GetResult();
            return taskResult == null ? null : taskResult.GetValue(task);
        }

        static object Call(MethodInfo method, object target, object[] arguments)
        {
            try
            {
                return method.Invoke(target, arguments);
            }
            catch (TargetInvocationException thrown)
            {
                throw new HandlerException(thrown.InnerException);
            }
        }

        static bool IsContext(ParameterInfo parameter)
        {
            return parameter.ParameterType.FullName == AmazonLambdaCore.Context;
        }

        static Type TaskOfResult(Type type)
        {
            for (Type current = type; current != null; current = current.BaseType)
            {
                if (current.IsGenericType && current.GetGenericTypeDefinition() == typeof(Task<>)) return current;
            }
            return null;
        }

        MethodInfo SerializerMethod(string name, Type type, string what, HandlerText names)
        {
            if (Serializer != null) return Serializer.GetType().GetInterface(AmazonLambdaCore.Serializer).GetMethod(name).MakeGenericMethod(type);
            throw HandlerLoader.Wrong("Could not find the LambdaSerializerAttribute on the assembly '{0}' or method '{1}' while attempting to {2} data of type '{3}'. To use types other than System.IO.Stream as input/output parameters, the assembly or Lambda function should be annotated with {4}.", names.Assembly, names.Method, what, type.FullName, AmazonLambdaCore.SerializerAttribute);
        }
    }
}
