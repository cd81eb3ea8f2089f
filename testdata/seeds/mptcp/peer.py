import socket,sys,time,struct,subprocess
role,how=sys.argv[1:3]
s=socket.socket(socket.AF_INET,socket.SOCK_STREAM,262)
s.settimeout(8)
if role=='server':
    s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)
    s.bind(('192.0.2.2',5001)); s.listen(1)
    c,_=s.accept(); c.settimeout(8)
    try:
        while True:
            d=c.recv(4096)
            if not d: break
            c.sendall(b'answer')
    except OSError as e: print('server',e)
    c.close()
else:
    s.connect(('192.0.2.2',5001))
    for _ in range(3):
        s.sendall(b'question'); s.recv(100); time.sleep(0.15)
    if how=='abort':
        s.setsockopt(socket.SOL_SOCKET,socket.SO_LINGER,struct.pack('ii',1,0))
    if how=='remove':
        subprocess.run(['ip','mptcp','endpoint','del','id','5'])
        time.sleep(0.5); s.sendall(b'again'); s.recv(100)
    s.close(); time.sleep(0.3)
