/**
 * Names that were elsewhere: protocols 0 to 2 go by those of Python 2, as CPython's `Lib/_compat_pickle.py` has them, and numpy has
 * moved its own.
 */

/** Of modules, by their old names. */
const MODULES = pairs(`
  __builtin__ builtins  copy_reg copyreg  Queue queue  SocketServer socketserver
  ConfigParser configparser  repr reprlib  tkFileDialog tkinter.filedialog
  tkSimpleDialog tkinter.simpledialog  tkColorChooser tkinter.colorchooser
  tkCommonDialog tkinter.commondialog  Dialog tkinter.dialog  Tkdnd tkinter.dnd  tkFont tkinter.font
  tkMessageBox tkinter.messagebox  ScrolledText tkinter.scrolledtext  Tkconstants tkinter.constants
  Tix tkinter.tix  ttk tkinter.ttk  Tkinter tkinter  markupbase _markupbase  _winreg winreg
  thread _thread  dummy_thread _dummy_thread  dbhash dbm.bsd  dumbdbm dbm.dumb  dbm dbm.ndbm  gdbm dbm.gnu
  xmlrpclib xmlrpc.client  SimpleXMLRPCServer xmlrpc.server  httplib http.client
  htmlentitydefs html.entities  HTMLParser html.parser  Cookie http.cookies  cookielib http.cookiejar
  BaseHTTPServer http.server  test.test_support test.support  commands subprocess  urlparse urllib.parse
  robotparser urllib.robotparser  urllib2 urllib.request  anydbm dbm  _abcoll collections.abc
  cPickle pickle  _elementtree xml.etree.ElementTree  FileDialog tkinter.filedialog
  SimpleDialog tkinter.simpledialog  DocXMLRPCServer xmlrpc.server  SimpleHTTPServer http.server
  CGIHTTPServer http.server  UserDict collections  UserList collections  UserString collections
  whichdb dbm  StringIO io  cStringIO io  exceptions builtins  _functools functools
`)

/** Of single classes and functions; those of `exceptions` went to `builtins` with their module. */
const NAMES = pairs(`
  __builtin__.xrange builtins.range  __builtin__.reduce functools.reduce  __builtin__.intern sys.intern
  __builtin__.unichr builtins.chr  __builtin__.unicode builtins.str  __builtin__.long builtins.int
  itertools.izip builtins.zip  itertools.imap builtins.map  itertools.ifilter builtins.filter
  itertools.ifilterfalse itertools.filterfalse  itertools.izip_longest itertools.zip_longest
  UserDict.IterableUserDict collections.UserDict  _socket.fromfd socket.fromfd
  _multiprocessing.Connection multiprocessing.connection.Connection
  multiprocessing.process.Process multiprocessing.context.Process
  multiprocessing.forking.Popen multiprocessing.popen_fork.Popen
  urllib.ContentTooShortError urllib.error.ContentTooShortError
  urllib.getproxies urllib.request.getproxies  urllib.pathname2url urllib.request.pathname2url
  urllib.quote_plus urllib.parse.quote_plus  urllib.quote urllib.parse.quote
  urllib.unquote_plus urllib.parse.unquote_plus  urllib.unquote urllib.parse.unquote
  urllib.url2pathname urllib.request.url2pathname  urllib.urlcleanup urllib.request.urlcleanup
  urllib.urlencode urllib.parse.urlencode  urllib.urlopen urllib.request.urlopen
  urllib.urlretrieve urllib.request.urlretrieve  urllib2.HTTPError urllib.error.HTTPError
  urllib2.URLError urllib.error.URLError
  multiprocessing.AuthenticationError multiprocessing.context.AuthenticationError
  multiprocessing.BufferTooShort multiprocessing.context.BufferTooShort
  multiprocessing.ProcessError multiprocessing.context.ProcessError
  multiprocessing.TimeoutError multiprocessing.context.TimeoutError  __builtin__.basestring builtins.str
  exceptions.StandardError builtins.Exception  socket._socketobject socket.SocketType
`)

function pairs(table: string): ReadonlyMap<string, string> {
  const words = table.trim().split(/\s+/)
  return new Map(words.flatMap((word, i): [string, string][] => (i % 2 === 0 ? [[word, words[i + 1]]] : [])))
}

const OTHERS: readonly (readonly [from: RegExp, to: string])[] = [
  [/^numpy\._core\./, 'numpy.core.'],
  [/^numpy\.(?:rec|char|core\.records|core\.defchararray|matrixlib\.defmatrix)\./, 'numpy.'],
  [/^pathlib\._local\.|^pathlib\._abc\./, 'pathlib.'],
]

/** The name as the list has it. */
export function canonical(module: string, name: string): string {
  const known = NAMES.get(`${module}.${name}`) ?? `${MODULES.get(module) ?? module}.${name}`
  for (const [from, to] of OTHERS) if (from.test(known)) return known.replace(from, to)
  return known
}
