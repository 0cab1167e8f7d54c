using System;
using System.Collections.Generic;
using System.Reflection;
using System.Reflection.Emit;

namespace Brume.Lambda
{
    /// <summary>
    /// Objects of the interfaces in the function's Amazon.Lambda.Core, whatever its version: classes that are made when they are
    /// needed, whose methods call those of the same name and parameters of an object of ours. Methods that have a body of their own keep
    /// it where ours has none.
    /// </summary>
    static class Implementation
    {
        const string Source = "source";
        const MethodAttributes Implementing = MethodAttributes.Public | MethodAttributes.Virtual | MethodAttributes.Final | MethodAttributes.HideBySig | MethodAttributes.NewSlot;

        static readonly Dictionary<Type, Type> made = new Dictionary<Type, Type>();
        static ModuleBuilder module;

        public static object Of(Type contract, object source)
        {
            Type type;
            lock (made)
            {
                if (!made.TryGetValue(contract, out type))
                {
                    type = Make(contract, source.GetType());
                    made[contract] = type;
                }
            }
            object instance = Activator.CreateInstance(type);
            type.GetField(Source).SetValue(instance, source);
            return instance;
        }

        static Type Make(Type contract, Type source)
        {
            if (module == null)
            {
                AssemblyName name = new AssemblyName("Brume.Lambda.Made");
                module = AssemblyBuilder.DefineDynamicAssembly(name, AssemblyBuilderAccess.Run).DefineDynamicModule(name.Name);
            }
            TypeBuilder type = module.DefineType("Brume.Lambda.Made." + contract.Name, TypeAttributes.Public, typeof(object), new[] { contract });
            FieldBuilder field = type.DefineField(Source, source, FieldAttributes.Public);
            Implement(type, field, contract, source);
            foreach (Type inherited in contract.GetInterfaces()) Implement(type, field, inherited, source);
            return type.CreateType();
        }

        static void Implement(TypeBuilder type, FieldBuilder field, Type contract, Type source)
        {
            foreach (MethodInfo method in contract.GetMethods())
            {
                if (method.IsStatic) continue;
                Type[] parameters = ParametersOf(method);
                MethodInfo ours = source.GetMethod(method.Name, parameters);
                if (ours == null && !method.IsAbstract) continue;
                MethodBuilder made = type.DefineMethod(method.Name, Implementing, method.ReturnType, parameters);
                ILGenerator body = made.GetILGenerator();
                if (ours == null)
                {
                    body.Emit(OpCodes.Ldstr, "Brume's .NET runtime does not have " + contract.FullName + "." + method.Name + ".");
                    body.Emit(OpCodes.Newobj, typeof(NotSupportedException).GetConstructor(new[] { typeof(string) }));
                    body.Emit(OpCodes.Throw);
                }
                else
                {
                    body.Emit(OpCodes.Ldarg_0);
                    body.Emit(OpCodes.Ldfld, field);
                    for (int i = 0; i < parameters.Length; i++) body.Emit(OpCodes.Ldarg_S, (byte)(i + 1));
                    body.Emit(OpCodes.Callvirt, ours);
                    // What ours can only call an object.
                    if (ours.ReturnType != method.ReturnType) body.Emit(OpCodes.Castclass, method.ReturnType);
                    body.Emit(OpCodes.Ret);
                }
                type.DefineMethodOverride(made, method);
            }
        }

        static Type[] ParametersOf(MethodInfo method)
        {
            ParameterInfo[] parameters = method.GetParameters();
            Type[] types = new Type[parameters.Length];
            for (int i = 0; i < types.Length; i++) types[i] = parameters[i].ParameterType;
            return types;
        }
    }
}
