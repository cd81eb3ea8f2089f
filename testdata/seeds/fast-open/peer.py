import socket,sys,time
s=socket.socket(); s.settimeout(8)
if sys.argv[1]=='server':
    s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)
    s.bind(('192.0.2.2',5001)); s.listen(1)
    c,_=s.accept(); c.settimeout(8)
    while c.recv(4096): c.sendall(b'answer')
    c.close()
else:
    s.sendto(b'question', socket.MSG_FASTOPEN, ('192.0.2.2',5001))
    s.recv(100); time.sleep(0.1); s.close()
