using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;

namespace Brume.Lambda
{
    /// <summary>Finds the method that the handler names, and makes its object and its serializer.</summary>
    static class HandlerLoader
    {
        const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

        /// <summary>Throws a LambdaValidationException for what is wrong with it, and what its constructors throw.</summary>
        public static Handler Load(string text)
        {
            HandlerText names = new HandlerText(text);
            Assembly assembly = LoadAssembly(names.Assembly);
            Type type = assembly.GetType(names.Type);
            if (type == null) throw Wrong("Unable to load type '{0}' from assembly '{1}'.", names.Type, names.Assembly);
            MethodInfo method = FindMethod(type, names);
            CheckMethod(method);
            object target = MakeTarget(type, method);
            object serializer = MakeSerializer(assembly, method);
            return new Handler(names, method, target, serializer);
        }

        public static LambdaValidationException Wrong(string message, params object[] parts)
        {
            return new LambdaValidationException(string.Format(message, parts));
        }

        /// <summary>Dependencies are found where the package's deps.json says: the host was started with it.</summary>
        static Assembly LoadAssembly(string name)
        {
            try
            {
                return Assembly.Load(new AssemblyName(name));
            }
            catch (FileNotFoundException missing)
            {
                throw Wrong("Could not find the specified handler assembly with the file name '{0}'. The assembly should be located in the root of your uploaded .zip file.", missing.FileName ?? name);
            }
            catch (Exception)
            {
                throw Wrong("Unable to load assembly '{0}'.", name);
            }
        }

        /// <summary>By its name, or by its whole signature where the name alone has several.</summary>
        static MethodInfo FindMethod(Type type, HandlerText names)
        {
            for (Type current = type; current != null; current = current.BaseType)
            {
                List<MethodInfo> found = new List<MethodInfo>();
                foreach (MethodInfo method in current.GetMethods(Declared))
                {
                    if (method.Name == names.Method || method.ToString() == names.Method) found.Add(method);
                }
                if (found.Count == 1) return found[0];
                if (found.Count > 1)
                {
                    throw Wrong("The method '{0}' in type '{1}' appears to have a number of overloads. To call this method please specify a complete method signature. Possible candidates are:\n{2}.", names.Method, current.FullName, string.Join("\n", found));
                }
            }
            throw Wrong("Unable to find method '{0}' in type '{1}' from assembly '{2}': Found no methods matching method name '{3}'.", names.Method, names.Type, names.Assembly, names.Method);
        }

        static void CheckMethod(MethodInfo method)
        {
            string problem = null;
            ParameterInfo[] parameters = method.GetParameters();
            ParameterInfo last = parameters.Length == 0 ? null : parameters[parameters.Length - 1];
            if (method.IsAbstract)
            {
                problem = "an abstract method. Handler methods cannot be abstract. Please specify a non-abstract handler method.";
            }
            else if (method.IsGenericMethod)
            {
                problem = "a generic method. Handler methods cannot be generic. Please specify a non-generic handler method.";
            }
            else if (method.ReturnType == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute), false))
            {
                problem = "an 'async void' method. Handler methods cannot be 'async void'. Please specify a method that is not 'async void'.";
            }
            else if (last != null && last.IsDefined(typeof(ParamArrayAttribute), false))
            {
                problem = "a 'params' method. Please specify a method that does not use 'params'.";
            }
            else if ((method.CallingConvention & CallingConventions.VarArgs) == CallingConventions.VarArgs)
            {
                problem = "a 'vararg (variable arguments)' method. Please specify a method that is not 'vararg'.";
            }
            if (problem != null) throw Wrong("The method '{0}' cannot be used as a Lambda Handler because it is {1}", method, problem);
        }

        static object MakeTarget(Type type, MethodInfo method)
        {
            if (type.IsGenericType)
            {
                throw Wrong("The type '{0}' cannot be used as a Lambda Handler type because it is generic. Handler methods cannot be located in generic types. Please specify a handler method in a non-generic type.", type.FullName);
            }
            if (!method.IsStatic && type.IsAbstract)
            {
                throw Wrong("The instance method '{0}' cannot be used as a Lambda Handler because its type '{1}' is abstract. Please either use a static handler or specify a type that is not abstract.", method, type.FullName);
            }
            if (!type.IsClass && (!type.IsValueType || type.IsPrimitive || type.IsEnum))
            {
                throw Wrong("The type '{0}' cannot be used as a handler type since it is not a class or a struct. Please specify a handler method on a class or struct.", type.FullName);
            }
            if (!method.IsStatic) return Activator.CreateInstance(type);
            // Its static initializer is part of the initialization.
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
            return null;
        }

        /// <summary>That of the method, else that of the assembly; null without one.</summary>
        static object MakeSerializer(Assembly assembly, MethodInfo method)
        {
            object attribute = SerializerAttribute(method.GetCustomAttributes(true)) ?? SerializerAttribute(assembly.GetCustomAttributes(true));
            if (attribute == null) return null;
            Type attributeType = attribute.GetType();
            PropertyInfo property = attributeType.GetProperty("SerializerType");
            if (property == null) throw Wrong("The '{0}' class is invalid: no 'SerializerType' property detected.", attributeType.FullName);
            Type type = property.GetValue(attribute) as Type;
            if (type == null) throw Wrong("The 'SerializerType' property on attribute class '{0}' is not set.", attributeType.FullName);
            if (type.GetConstructor(Type.EmptyTypes) == null)
            {
                throw Wrong("The indicated serializer '{0}' does not define a public zero-parameter constructor.", type.FullName);
            }
            if (type.GetInterface(AmazonLambdaCore.Serializer) == null)
            {
                throw Wrong("The '{0}' class is invalid: it does not implement the 'ILambdaSerializer' interface.", type.FullName);
            }
            return Activator.CreateInstance(type);
        }

        static object SerializerAttribute(object[] attributes)
        {
            foreach (object attribute in attributes)
            {
                for (Type type = attribute.GetType(); type != null; type = type.BaseType)
                {
                    if (type.FullName == AmazonLambdaCore.SerializerAttribute) return attribute;
                }
            }
            return null;
        }
    }
}
