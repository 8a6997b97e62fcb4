from urllib.request import urlopen

with urlopen("http://localhost:5014/index.html") as answer:
    print(answer.status, answer.read().decode())
