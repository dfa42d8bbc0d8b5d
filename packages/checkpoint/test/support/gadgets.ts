// Names that pickles have been seen to call, or that bypassed scanners: from the advisories and test suites of fickling and
// picklescan, and from CVE texts. None may ever resolve.

export const GADGETS: readonly (readonly [module: string, name: string])[] = [
  "os.system os.popen os.execl os.execve os.spawnl os.remove os.rename os.putenv os.posix_spawn",
  "posix.system nt.system subprocess.Popen subprocess.call subprocess.run subprocess.check_output subprocess.getoutput",
  "builtins.eval builtins.exec builtins.compile builtins.open builtins.getattr builtins.__import__ builtins.setattr",
  "builtins.breakpoint builtins.input builtins.print builtins.apply",
  "__builtin__.eval __builtin__.exec __builtin__.file __builtin__.apply __builtin__.getattr __builtin__.object",
  "pip.main pip._internal.main pip._internal.cli.main.main runpy.run_module runpy._run_code runpy.run_path",
  "timeit.timeit timeit.repeat timeit.main bdb.Bdb.run pdb.Pdb.run pdb.set_trace profile.run cProfile.run trace.Trace.run",
  "cProfile.runctx code.InteractiveInterpreter.runcode code.interact doctest.debug_script pydoc.pipepager pydoc.locate",
  "idlelib.pyshell.ModifiedInterpreter.runcode idlelib.autocomplete.AutoComplete.get_entity idlelib.calltip.get_entity",
  "idlelib.run.Executive.runcode idlelib.debugobj.ObjectTreeItem.SetText lib2to3.pgen2.grammar.Grammar.loads",
  "numpy.f2py.crackfortran.getlincoef numpy.f2py.crackfortran._eval_length numpy.testing._private.utils.runstring",
  "numpy.load numpy.distutils.exec_command.exec_command",
  "torch.load torch._dynamo.guards.GuardBuilder.get torch.hub.load torch.jit.unsupported_tensor_ops.execWrapper",
  "torch.utils.bottleneck.__main__.run_cprofile torch.utils.bottleneck.__main__.run_autograd_prof",
  "torch.utils.collect_env.run torch.utils.data.datapipes.utils.decoder.basichandlers",
  "torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression torch._inductor.codecache.compile_file",
  "torch.serialization.load torch.utils._config_module.ConfigModule.load_config torch.cuda.memory._record_memory_history",
  "marshal.loads marshal.load types.FunctionType types.CodeType ctypes.CDLL ctypes.cdll ctypes.PyDLL",
  "_pickle.loads pickle.loads pickle.load dill.loads cloudpickle.loads joblib.load shelve.open",
  "importlib.import_module importlib.machinery.SourceFileLoader imp.load_source zipimport.zipimporter pkgutil.resolve_name",
  "functools.partial functools.reduce operator.methodcaller operator.attrgetter operator.itemgetter itertools.starmap",
  "codecs.decode _codecs.encode _codecs.decode collections.namedtuple collections.Counter copyreg._reconstructor",
  "socket.create_connection urllib.request.urlopen requests.api.get http.client.HTTPSConnection webbrowser.open smtplib.SMTP",
  "ssl.get_server_certificate ftplib.FTP asyncio.unix_events._UnixSubprocessTransport._start multiprocessing.util.spawnv_passfds",
  "shutil.rmtree shutil.copyfile sys.exit sys.setprofile commands.getoutput popen2.popen2 pty.spawn platform.popen",
  "logging.config.fileConfig venv.create ensurepip._run_pip distutils.file_util.write_file test.support.script_helper.assert_python_ok",
  "cgitb.lookup tensorflow.python.keras.models.load_model uuid._get_command_stdout aiohttp.client.ClientSession",
]
  .join(" ")
  .split(" ")
  .map((dotted) => [dotted.slice(0, dotted.lastIndexOf(".")), dotted.slice(dotted.lastIndexOf(".") + 1)]);
