import urllib.error
import urllib.request

try:
    with urllib.request.urlopen('http://127.0.0.1:8080/missing', timeout=20) as response:
        print(response.status, response.read())
except urllib.error.HTTPError as error:
    print(error.code, error.reason, error.read().decode())
